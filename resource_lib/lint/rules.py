"""
The rules, as one visible table.

C18, C22, C26, C27, C29, C30, C34 to C36. A finding is no proof that a tool is dangerous: it is a question that its author answers by
mending the tool, or by a waiver that says why it may stay (`waivers.py`).
"""

from typing import Final

from resource_lib.lint import arguments, conduct, results, wording
from resource_lib.lint.finding import Rule

RULES: Final[tuple[Rule, ...]] = (
    # What a tool is.
    Rule(
        id="generic-tool",
        severity="error",
        control="C26",
        says="A tool that does whatever it is told cannot be granted, limited or approved as one thing.",
        cure="make one tool for each thing that is needed, named after it",
        find=conduct.generic_tool,
    ),
    Rule(
        id="reads-and-writes",
        severity="error",
        control="C18",
        says="A tool that reads and writes needs the right to write for every look.",
        cure="split it: one tool that reads, one that writes",
        find=conduct.reads_and_writes,
    ),
    Rule(
        id="no-annotations",
        severity="warning",
        control="C19",
        says="Without annotations a client asks its person about every call.",
        cure="say readOnlyHint, and for what writes destructiveHint",
        find=conduct.no_annotations,
    ),
    Rule(
        id="annotations-contradict",
        severity="error",
        control="C19",
        says="A client that believes the annotations treats the tool as another than the policy does.",
        cure="make annotations and policy say the same",
        find=conduct.annotations_contradict,
    ),
    Rule(
        id="verb-contradicts",
        severity="error",
        control="C19",
        says="What changes something must not pass as a read: reads are granted to everybody.",
        cure="call it write or destructive, or name it after what it reads",
        find=conduct.verb_contradicts,
    ),
    # What goes in.
    Rule(
        id="raw-sql",
        severity="error",
        control="C26",
        says="A query of the caller's own reaches every row of every tenant.",
        cure="take values, bind them with safe.Sql, choose columns with safe.Identifiers",
        find=arguments.raw_sql,
    ),
    Rule(
        id="shell-command",
        severity="error",
        control="C26",
        says="A command of the caller's own is the whole machine.",
        cure="take values, and run one program with safe.Program",
        find=arguments.shell_command,
    ),
    Rule(
        id="open-path",
        severity="error",
        control="C30",
        says="A path of the caller's own leads anywhere.",
        cure="open it with safe.Root, and say in its description which folder it is relative to",
        find=arguments.open_path,
    ),
    Rule(
        id="open-url",
        severity="error",
        control="C29",
        says="A host of the caller's own may be our inside, or whoever collects what is sent.",
        cure="take an id and build the URL with safe.Endpoint; or ask through safe.Hosts, and say so in the description",
        find=arguments.open_url,
    ),
    Rule(
        id="tenant-argument",
        severity="error",
        control="C22",
        says="The token says for whom a tool works; an argument that says it again can say another.",
        cure="leave it out, and use current_principal().tenant and tenant_session(engine)",
        find=arguments.tenant_argument,
    ),
    Rule(
        id="user-argument",
        severity="warning",
        control="C22",
        says="An argument that names a person can name another than the caller.",
        cure="leave it out where the caller is meant, and use current_principal().subject; else check who may see whom, and waive it",
        find=arguments.user_argument,
    ),
    Rule(
        id="secret-argument",
        severity="error",
        control="C10",
        says="A credential that a model passes stands in prompts, logs and histories.",
        cure="keep it at the server, or get one for the caller with exchange_for",
        find=arguments.secret_argument,
    ),
    Rule(
        id="unbounded-text",
        severity="warning",
        control="C27",
        says="A text without an end is cost, and room for whatever else is put into it.",
        cure="say maxLength, enum, format or an anchored pattern",
        find=arguments.unbounded_text,
    ),
    Rule(
        id="unbounded-list",
        severity="warning",
        control="C27",
        says="A list without an end is cost that no limit counts.",
        cure="say maxItems",
        find=arguments.unbounded_list,
    ),
    Rule(
        id="unbounded-number",
        severity="warning",
        control="C27",
        says="A number without ends is where arithmetic breaks.",
        cure="say minimum and maximum",
        find=arguments.unbounded_number,
    ),
    Rule(
        id="limit-argument",
        severity="warning",
        control="C27",
        says="A limit that has no limit is a dump of everything.",
        cure="say minimum 1, maximum 1000 at most, default 100 at most",
        find=arguments.limit_argument,
    ),
    Rule(
        id="untyped-argument",
        severity="warning",
        control="C27",
        says="What may be anything is checked by nobody.",
        cure="say its type, and the members of an object",
        find=arguments.untyped_argument,
    ),
    Rule(
        id="remote-reference",
        severity="error",
        control="C27",
        says="A schema that lives elsewhere is fetched by nobody here, so it holds nobody.",
        cure='put it under "$defs", and refer to "#/$defs/…"',
        find=arguments.remote_reference,
    ),
    # What comes out.
    Rule(
        id="no-output-schema",
        severity="warning",
        control="C36",
        says="What is not declared cannot be dropped, redacted or checked.",
        cure="declare an outputSchema (in Python: annotate what the tool returns)",
        find=results.no_output_schema,
    ),
    Rule(
        id="output-internals",
        severity="warning",
        control="C35",
        says="Internal ids and book-keeping help whoever looks for a way in, and fill the model's window.",
        cure="leave it out of what the tool returns",
        find=results.internals,
    ),
    Rule(
        id="output-rows",
        severity="warning",
        control="C35",
        says="Whole rows carry tomorrow's columns too.",
        cure="return counts, summaries, or the few members that are needed, each by name",
        find=results.whole_rows,
    ),
    Rule(
        id="personal-output",
        severity="warning",
        control="C34",
        says="Personal data that does not say so leaves unredacted.",
        cure='say "x-pii" in its schema (in pydantic: json_schema_extra={"x-pii": "email"})',
        find=results.personal,
    ),
    Rule(
        id="annotation-words",
        severity="warning",
        control="C34",
        says="An annotation in a word that is not known hides what stands there as a secret, from everybody.",
        cure='say "x-secret": true, or "x-pii" with one of its kinds (docs/output.md)',
        find=results.annotation_words,
    ),
    # What it says.
    Rule(
        id="hostile-description",
        severity="error",
        control="C26",
        says="A description is read by the model as if the person had written it.",
        cure="describe what the tool does, and nothing else; remove characters that nobody sees",
        find=wording.hostile_description,
    ),
    Rule(
        id="no-description",
        severity="warning",
        control="C26",
        says="A model that has to guess what a tool does calls it for something else.",
        cure="say what it does, when to call it, and when not",
        find=wording.no_description,
    ),
    Rule(
        id="when-to-call",
        severity="advice",
        control="C26",
        says="A description says when the tool is to be called.",
        cure='add a sentence such as "Use it when …"',
        find=wording.when_to_call,
    ),
    Rule(
        id="when-not-to-call",
        severity="advice",
        control="C26",
        says="A description says when the tool is not to be called, or what to call instead.",
        cure='add a sentence such as "Not for …: call … instead"',
        find=wording.when_not_to_call,
    ),
    Rule(
        id="client-names",
        severity="warning",
        control="C54",
        says="A tool that a client refuses is missing there, without anybody being told.",
        cure="name it with 1 to 64 of A-Z a-z 0-9 _ -, and keep the root of its schema a plain object",
        find=wording.client_names,
    ),
    # All of them together.
    Rule(
        id="same-name",
        severity="error",
        control="C54",
        says="Two tools of one name, or of names that differ in letter case alone: nobody can say which one runs.",
        cure="name them apart",
    ),
    Rule(
        id="unused-waiver",
        severity="warning",
        control="C54",
        says="A waiver that matches nothing waives tomorrow's mistake.",
        cure="remove it, or correct the rule, the tool or the argument that it names",
    ),
)

BY_ID: Final = {rule.id: rule for rule in RULES}
