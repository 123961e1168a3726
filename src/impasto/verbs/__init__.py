"""The verbs: pictures in, a `Result` out. What the command line, the studio and Python all call."""
