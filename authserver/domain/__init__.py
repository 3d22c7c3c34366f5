"""
The glossary: one word per idea, one idea per word.

tenant: an isolated customer of ours. user: a person. client: an application. resource: an MCP server; tool: one
thing it does. principal: whoever a token speaks for. grant: alone, only in `grant_type`; a person's permission to an
application is consent; one yes to one tool call is an approval; a yes to so many calls of one tool, until a time, is a bounded
grant. revoke ends one thing; kill ends a class of things.
authorization: one login's stored session of tenant x user x client x resource, made by one redeemed code, to which
refresh and access tokens belong; a machine client has one standing authorization per resource. feed: the numbered
list resource servers follow. code: an authorization or device code, never source code. secret: shown once;
key: signs; token: carried.
"""
