"""Boxes in each host's form: the only place where anything but xyxy exists."""
