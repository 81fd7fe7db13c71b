"""The user's code becomes pages of rows."""
