"""Dataset hosts for the tests: small HTTP servers that misbehave as real ones do."""
