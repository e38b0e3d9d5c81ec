"""How fast the parts are. Each prints what it measured; nothing asserts a time, only that the work was done."""
