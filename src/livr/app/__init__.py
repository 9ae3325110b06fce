"""The playground: a page in the browser on which a model is asked about pictures of one's own."""
