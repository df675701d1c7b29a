"""The steps that pipelines are made of."""
