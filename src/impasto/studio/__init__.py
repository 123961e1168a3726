"""The studio: the verbs as a page in the browser, one tab a file. Gradio lives here only."""
