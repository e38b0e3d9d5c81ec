"""Tests: unit mirrors the code; contract runs every port on every adapter; integration, e2e and chaos use real servers."""
