"""The web page: takes masks off and draws them, on this machine alone."""
