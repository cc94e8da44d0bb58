"""Does what is installed here find what exists, and report nothing else? Closed forms and trends, in half a minute."""
