"""The S3 stand-in of a local system: a small S3 server over one folder.

It answers what bigseg, boto3 and the AWS tools ask of a bucket: objects and ranges of them,
multipart uploads, listings, copies, conditional requests, presigned URLs until they expire. What
else S3 has is refused with ``NotImplemented``.

Objects survive restarts and a kill; a power cut may take those of its last seconds, whole.
Signatures and checksums are not verified: it listens on the loopback only, and refuses web
pages of other origins. An ETag is a hash of the content, as in S3, but not its MD5.
"""
