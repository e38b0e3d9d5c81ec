"""The cluster adapters against real servers that come and go, and against each other as members of one group."""
