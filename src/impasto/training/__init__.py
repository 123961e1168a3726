"""Training room: Lightning lives here only, one module for each method that is trained."""
