"""The pages of the first hour, walked as a newcomer walks them: every command, as written."""
