"""
The words by which the rules know things: names of arguments, verbs of tools, phrases of descriptions. Data, nothing else.
"""

import re
from typing import Final

SQL_WORDS: Final = frozenset({"sql", "soql", "cypher", "gremlin", "sparql", "graphql", "tsql", "plsql"})
SQL_NAMES: Final = frozenset(
    {"where", "where_clause", "having", "order_by_clause", "raw_query", "db_query", "database_query"}
)
SQL_CARRIERS: Final = frozenset(
    {
        "query",
        "statement",
        "filter",
        "expression",
        "condition",
        "q",
        "text",
        "where",
        "order_by",
        "sort",
        "columns",
        "table",
    }
)
"""Names that mean SQL only where something beside them says so."""
SAYS_SQL: Final = re.compile(
    r"\bsql\b|\bselect statement|\bwhere clause|\border by clause|\bcypher\b|\bsparql\b|\bgraphql (?:query|document)",
    re.IGNORECASE,
)
SAYS_NO_SQL: Final = re.compile(
    r"\b(?:no|not|never|without|instead of)\s+(?:any\s+|raw\s+|an?\s+)?sql\b", re.IGNORECASE
)

SHELL_WORDS: Final = frozenset(
    {"shell", "bash", "powershell", "argv", "cmdline", "cmd", "awk", "gawk", "xargs", "sudo"}
)
SHELL_NAMES: Final = frozenset(
    {
        "command",
        "commands",
        "command_line",
        "shell_command",
        "exec",
        "raw_command",
        "executable",
        "interpreter",
        "entrypoint",
    }
)
CODE_NAMES: Final = frozenset(
    {"code", "script", "source_code", "snippet", "python", "javascript", "expression", "program"}
)
SAYS_RUN: Final = re.compile(r"\b(?:run|runs|execut\w+|eval\w*|interpret\w*|shell|bash|terminal)\b", re.IGNORECASE)

PATH_NAMES: Final = frozenset(
    {
        "file",
        "files",
        "filename",
        "filenames",
        "filepath",
        "file_name",
        "dir",
        "directory",
        "dirname",
        "cwd",
        "glob",
        "paths",
    }
    | {"working_directory", "output_file", "input_file", "destination_file", "source_file", "output_dir", "log_file"}
)
NO_FILE_PATH: Final = frozenset(
    {
        "json",
        "xml",
        "x",
        "url",
        "uri",
        "career",
        "learning",
        "breadcrumb",
        "category",
        "key",
        "field",
        "property",
        "request",
    }
    | {"http", "api", "critical", "object", "attribute", "css"}
)
"""Before `path`: what is no path of files."""
SAYS_CONTAINED: Final = re.compile(
    r"\brelative to\b|\binside\b|\bwithin\b|\bunder\b|\bbelow\b|\bcontained\b|\ballow-?listed\b|\bin (?:the|your|this) "
    r"(?:project|workspace|folder|root|library|share)\b",
    re.IGNORECASE,
)
OUTSIDE_PATHS: Final = ("../../etc/passwd", "/etc/passwd", "a/../../b", "C:\\Windows\\win.ini", "..\\..\\x")

URL_ENDS: Final = frozenset({"url", "urls", "uri", "uris", "href", "link", "links", "website", "webhook"})
HOST_NAMES: Final = frozenset(
    {"host", "hosts", "hostname", "ip", "ip_address", "endpoint", "proxy", "domain", "server"}
)
SAYS_NETWORK: Final = re.compile(
    r"\b(?:connect|ping|resolve|port|http|https|dns|fetch|download|request|reach|server|network|proxy)\w*\b",
    re.IGNORECASE,
)
SAYS_HELD_HOSTS: Final = re.compile(
    r"\ballow-?list\w*|\ballowed hosts?\b|\bour own\b|\b(?:never|not) (?:fetched|opened|followed|requested)\b|\bkept as text\b|"
    r"\bonly (?:stored|shown|kept)\b",
    re.IGNORECASE,
)
OUTSIDE_URLS: Final = (
    "http://169.254.169.254/latest/meta-data/",
    "https://evil.example/",
    "file:///etc/passwd",
    "169.254.169.254",
    "evil.example",
    "localhost",
)

TENANT_NAMES: Final = frozenset(
    {
        "tenant",
        "tenant_id",
        "tenant_slug",
        "tenant_name",
        "org",
        "org_id",
        "org_slug",
        "organization",
        "organization_id",
    }
    | {
        "organisation",
        "organisation_id",
        "workspace",
        "workspace_id",
        "on_behalf_of",
        "impersonate",
        "impersonate_user",
    }
    | {
        "as_user",
        "act_as",
        "acting_as",
        "run_as",
        "current_user",
        "current_user_id",
        "caller",
        "caller_id",
        "requester",
    }
    | {"requester_id", "actor_id", "principal", "subject_id", "acting_user_id", "sub", "client_id", "auth_user"}
)
USER_NAMES: Final = frozenset(
    {"user", "user_id", "userid", "account", "account_id", "company_id", "member_id", "owner_user_id", "profile_id"}
)

SECRET_NAMES: Final = frozenset(
    {
        "password",
        "passwd",
        "passphrase",
        "api_key",
        "apikey",
        "access_token",
        "refresh_token",
        "auth_token",
        "bearer_token",
    }
    | {
        "secret",
        "client_secret",
        "secret_key",
        "private_key",
        "credentials",
        "authorization",
        "otp",
        "pin",
        "cvv",
        "cvc",
    }
)

LIMIT_NAMES: Final = frozenset(
    {
        "limit",
        "max_results",
        "page_size",
        "per_page",
        "top_k",
        "top_n",
        "max_items",
        "max_rows",
        "num_results",
        "max_count",
    }
)
MOST_DEFAULT: Final = 100
MOST_LIMIT: Final = 1000
"""C27: `limit` has the default 100, and goes from 1 to 1000."""

GENERIC: Final = frozenset(
    {
        "execute",
        "exec",
        "run",
        "eval",
        "evaluate",
        "query",
        "call",
        "invoke",
        "do",
        "perform",
        "request",
        "command",
        "sql",
    }
    | {
        "shell",
        "bash",
        "terminal",
        "script",
        "code",
        "python",
        "javascript",
        "api",
        "http",
        "https",
        "graphql",
        "rest",
        "db",
    }
    | {
        "database",
        "action",
        "method",
        "function",
        "operation",
        "tool",
        "any",
        "anything",
        "raw",
        "generic",
        "custom",
        "proxy",
    }
    | {"statement", "passthrough", "arbitrary", "a", "an", "the", "cli", "process", "os", "system"}
)
GENERIC_VERBS: Final = frozenset(
    {
        "execute",
        "exec",
        "run",
        "eval",
        "evaluate",
        "query",
        "call",
        "invoke",
        "do",
        "perform",
        "request",
        "shell",
        "bash",
    }
    | {"terminal", "command", "proxy", "passthrough", "sql", "graphql", "code", "script", "python", "http", "action"}
)
SELECTORS: Final = frozenset(
    {"action", "operation", "method", "function", "function_name", "tool_name", "command", "endpoint", "resource_type"}
    | {"table", "table_name", "entity", "entity_type", "object_type", "api_method"}
)
LOADS: Final = frozenset(
    {"params", "parameters", "payload", "body", "data", "args", "arguments", "options", "input", "values"}
)

READS: Final = frozenset(
    {"get", "list", "search", "find", "read", "fetch", "show", "view", "describe", "lookup", "count", "query", "browse"}
    | {"inspect", "preview", "retrieve", "summarize"}
)
WRITES: Final = frozenset(
    {
        "add",
        "append",
        "approve",
        "archive",
        "assign",
        "cancel",
        "clear",
        "create",
        "delete",
        "deploy",
        "disable",
        "edit",
    }
    | {
        "enable",
        "erase",
        "grant",
        "insert",
        "invite",
        "kill",
        "modify",
        "move",
        "overwrite",
        "publish",
        "purge",
        "refund",
    }
    | {"register", "reject", "remove", "rename", "replace", "reset", "restart", "revoke", "save", "send", "submit"}
    | {"subscribe", "suspend", "terminate", "truncate", "unsubscribe", "update", "upload", "upsert", "wipe", "write"}
)
"""Verbs alone: `order`, `post`, `merge`, `change`, `schedule` and their like are as often nouns."""
MANAGES: Final = frozenset({"manage", "crud", "administer"})

INTERNALS: Final = frozenset(
    {
        "internal_id",
        "row_id",
        "rowid",
        "pk",
        "primary_key",
        "db_id",
        "database_id",
        "object_id",
        "oid",
        "mongo_id",
        "ctid",
    }
    | {
        "created_at",
        "updated_at",
        "modified_at",
        "deleted_at",
        "inserted_at",
        "last_modified",
        "last_updated",
        "date_created",
    }
    | {
        "date_modified",
        "created_by",
        "updated_by",
        "modified_by",
        "tenant_id",
        "tenant",
        "org_id",
        "organization_id",
        "etag",
    }
    | {
        "password_hash",
        "salt",
        "shard",
        "shard_id",
        "partition_key",
        "is_deleted",
        "row_version",
        "lock_version",
        "debug",
    }
    | {"trace_id", "request_id", "stack_trace", "internal_notes", "created_timestamp", "updated_timestamp", "sys_id"}
)
INTERNAL_STARTS: Final = ("_", "internal_", "sys_", "__", "db_")
WHOLE_ROWS: Final = frozenset(
    {"row", "rows", "record", "records", "raw", "raw_response", "raw_data", "response", "dump", "document"}
)
MOST_MEMBERS: Final = 15

PERSONAL: Final = {
    "email": frozenset({"email", "e_mail", "email_address", "mail_address", "contact_email", "reply_to"}),
    "phone": frozenset({"phone", "phone_number", "telephone", "mobile", "mobile_number", "cell", "fax", "whatsapp"}),
    "address": frozenset(
        {"address", "street", "street_address", "postal_address", "home_address", "shipping_address", "billing_address"}
        | {
            "postal_code",
            "postcode",
            "zip_code",
            "zip",
            "address_line_1",
            "address_line_2",
            "address_line1",
            "address_line2",
        }
        | {"address_1", "address_2"}
    ),
    "name": frozenset(
        {"first_name", "last_name", "full_name", "surname", "given_name", "family_name", "middle_name", "maiden_name"}
        | {
            "customer_name",
            "patient_name",
            "employee_name",
            "contact_name",
            "recipient_name",
            "guest_name",
            "passenger_name",
        }
    ),
    "card": frozenset({"card_number", "credit_card", "pan", "card_no", "iban", "bank_account", "account_number"}),
    "id": frozenset(
        {"ssn", "social_security_number", "passport", "passport_number", "tax_id", "national_id", "driver_license"}
        | {"drivers_license", "date_of_birth", "birth_date", "birthdate", "dob", "birthday", "personnummer"}
    ),
    "secret": frozenset(
        {"password", "api_key", "access_token", "refresh_token", "client_secret", "private_key", "secret"}
    ),
}
"""By the kind that `x-pii` would say."""
PERSONS_NAMES: Final = frozenset({"name", "display_name", "username", "user_name", "nickname"})
"""Names of a person only where something personal stands beside them."""

TO_CALL: Final = re.compile(
    r"\bwhen(?:ever)?\b|\bif\b|\buse (?:this|it|for|to)\b|\bcall (?:this|it)\b|\bbefore\b|\bafter\b|\bin order to\b",
    re.IGNORECASE,
)
NOT_TO_CALL: Final = re.compile(
    r"\b(?:do not|don't|does not|doesn't|cannot|can't|not (?:for|to|meant|when|if)|never|instead|rather than|unless)\b|"
    r"\bonly (?:when|if|for|after|whom|what|once|to)\b",
    re.IGNORECASE,
)
SHORTEST_DESCRIPTION: Final = 20

ORDERS: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override)\s+(?:all\s+|any\s+|the\s+|your\s+)*(?:previous|prior|earlier|other|above|system|safety)\s+"
    r"(?:instructions?|rules?|prompts?|tools?|messages?|guidelines?)\b"
    r"|\b(?:do not|don't|never)\s+(?:tell|inform|mention|reveal|show|alert|ask)\s+(?:this\s+)?(?:to\s+)?(?:the\s+)?(?:user|human|person|anyone)\b"
    r"|\bwithout\s+(?:telling|asking|informing|notifying)\s+(?:the\s+)?(?:user|human|person)\b"
    r"|\b(?:before|after|whenever)\s+(?:using|calling|you use|you call)\s+(?:any|every|all|another|other)\s+(?:other\s+)?tools?\b"
    r"|\balways\s+(?:call|use|invoke|run)\s+this\s+(?:tool\s+)?(?:first|before)\b"
    r"|\byou\s+(?:must|have to|are required to)\s+(?:always|first|also|immediately|never)\b"
    r"|\byou are (?:now|no longer)\b"
    r"|<\s*/?\s*(?:important|system|instructions?|secret|assistant|admin|hidden)\s*>"
    r"|<\|[^|>]{0,40}\|>|\[/?INST\]|^\s*(?:system|assistant)\s*:",
    re.IGNORECASE | re.MULTILINE,
)
"""What a description has no business saying: it talks about a tool, not to the model about anything else."""
