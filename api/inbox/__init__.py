"""Events of the bucket about objects of the inbox, in the forms that services send."""
