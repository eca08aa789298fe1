"""Recognition of millions of pictures at once, on Ray Data. Nothing else imports this package, nor Ray and Parquet."""
