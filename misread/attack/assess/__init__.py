"""The fixed suite: no knobs but norm and eps, cheapest attack first, only on images that still stand."""
