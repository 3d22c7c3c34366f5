"""The pages, and whole journeys through them."""

from tests.requirements.requirement import Requirement

PAGES: dict[str, Requirement] = {
    "pages:screens:readable-in-both-schemes-and-widths": Requirement(
        "WCAG 2.2 1.4.3, 1.4.10",
        "Every page has AA contrast and no sideways scrolling, light and dark, wide and narrow.",
    ),
    "pages:keyboard:focus-is-visible": Requirement(
        "WCAG 2.2 2.1.1, 2.4.7", "Everything on a page is reached by the keyboard, and shows where it is."
    ),
    "pages:consent:strangers-words-cannot-draw": Requirement(
        "MCP A19, AZ-25", "A hostile application name is escaped, bounded, isolated, and never hides the redirect host."
    ),
    "pages:consent:enter-is-not-a-yes": Requirement("ours", "Enter in a field of the consent page refuses."),
    "pages:consent:local-program-is-warned-of": Requirement(
        "MCP A17", "The consent page warns when the access goes to a program on this computer."
    ),
    "pages:all:nothing-from-elsewhere": Requirement("DR-05", "No page loads anything from another origin."),
    "pages:all:a-missing-word-is-a-fault": Requirement("ours", "A page never silently leaves out what it should say."),
    "browser:login:to-token": Requirement(
        "ours", "A person in a real browser signs in, allows, and the application gets a token."
    ),
    "browser:keyboard:alone-is-enough": Requirement(
        "WCAG 2.2 2.1.1", "Sign in, tick a tool and allow by keyboard alone."
    ),
    "browser:consent:tools-are-opted-into": Requirement("decision 11", "A first consent ticks nothing that writes."),
    "browser:consent:a-no-reaches-the-application": Requirement(
        "OAuth 2.1 §4.1.2.1, RFC 9207 §2", "A person's no reaches the application as access_denied with iss."
    ),
    "browser:consent:two-tabs-both-work": Requirement("AZ-29", "The consent page in two tabs is no dead end."),
    "browser:consent:tenant-is-chosen": Requirement("decision 22", "A person of two tenants chooses one at consent."),
    "browser:login:refusal-is-kind-and-silent": Requirement(
        "AZ-53", "A refused login keeps the address, drops the password, and tells nothing about the account."
    ),
    "browser:errors:never-leave-the-page": Requirement(
        "OAuth 2.1 §4.1.2.1, §7.12.2", "An unknown client or redirect URI ends on our page, with the cure."
    ),
    "browser:forms:only-from-our-pages": Requirement(
        "AZ-28, RFC 9700 §4.7, §4.16", "Another site can neither send our forms nor frame our pages."
    ),
    "browser:session:ends-at-sign-out": Requirement("AZ-40", "Signing out ends the session of this browser."),
    "cli:help:teaches": Requirement("ours", "Every command explains itself, takes --json and shows what to type."),
    "cli:nouns:add-list-show-set-disable-remove": Requirement(
        "ours", "Tenants, users, clients, resources, issuers and keys live from add to remove by commands alone."
    ),
    "cli:nouns:disable-does-what-it-says": Requirement(
        "issue", "One command disables a person in every tenant, and asks first."
    ),
    "cli:nouns:both-databases": Requirement(
        "decision 5", "The same commands work on PostgreSQL, through its two roles."
    ),
    "cli:secrets:never-an-argument": Requirement("CWE-214", "No secret is ever a command-line argument."),
    "cli:secrets:shown-once": Requirement(
        "decision 8", "A generated secret is shown once, kept as a hash, and rotated."
    ),
    "cli:errors:name-the-field-and-the-cure": Requirement(
        "ours", "A refused command names the field and the cure on standard error, and exits 1 or 2."
    ),
    "cli:errors:no-stack-trace": Requirement(
        "ours", "A wrong setting stops the start with one sentence, never a trace."
    ),
    "cli:remove:asks-first": Requirement("ours", "What ends something asks first, or demands --yes."),
    "cli:output:cannot-steer-the-terminal": Requirement("CWE-150", "Stored text cannot steer an operator's terminal."),
    "cli:kek:private-and-never-overwritten": Requirement(
        "decision 16", "The key-encryption key's file is private from its first byte and never overwritten."
    ),
    "cli:check:says-what-is-wrong": Requirement(
        "C60, ours", "`check` finds what is wrong, names the cure, and exits 1."
    ),
    "cli:start:is-quick": Requirement("ours", "Help is printed without loading the server."),
    "cli:client:keygen-makes-what-jwks-takes": Requirement(
        "RFC 7523 §3",
        "`client keygen` makes a private key for its owner alone and the public half as `--jwks` takes it.",
    ),
    "cli:serve:answers-and-stops": Requirement("ours", "`serve` answers on its port and ends cleanly when told."),
}


ACCOUNT: dict[str, Requirement] = {
    "account:page:shows-what-is-connected": Requirement(
        "issue: a page for people, MCP A19",
        "A person sees each connected application: who, where, what it may do in words, since when, last used.",
    ),
    "account:page:is-found-from-the-servers-own-address": Requirement(
        "ours", "Whoever types an issuer's address is led to its page for people."
    ),
    "account:page:needs-a-login-and-comes-back": Requirement(
        "ours, AZ-04", "The account page sends to the login and comes back, and to nowhere else."
    ),
    "account:page:all-tenants-each-inside-its-own": Requirement(
        "design decision 22",
        "One page shows all of a person's tenants; what is ended in one touches nothing of another.",
    ),
    "account:page:shows-where-a-server-acts": Requirement(
        "RFC 8693 §5",
        "A person sees where a connected server may act for them, as far as it may with what they allowed.",
    ),
    "account:keys:shows-ones-own": Requirement(
        "C02", "A person sees their own API keys, what each may do, its end and its last use, and nobody else's."
    ),
    "account:keys:ending-acts-at-once": Requirement(
        "C02, K2", "A person ends a key of theirs; it and what it got are dead at once, and nothing else is."
    ),
    "account:disconnect:acts-at-once": Requirement(
        "clients.md rule 14", "Disconnecting ends every login of an application at once; connecting again asks anew."
    ),
    "account:disconnect:one-login-alone": Requirement("design §2", "One login of an application can be ended alone."),
    "account:disconnect:is-recorded": Requirement(
        "design decisions 14, 15", "What a person ends is recorded, and announced in the numbered list."
    ),
    "account:more:the-next-refresh-carries-it": Requirement(
        "design decision 9, clients.md rule 13",
        "What a person allows one login on our page is carried by its next refresh that names no scope.",
    ),
    "account:more:not-what-is-switched-off": Requirement(
        "decision 14", "nobody lets an application do more at a server or with a tool that an operator has switched off"
    ),
    "account:more:lapses-by-itself": Requirement(
        "design decision 9", "What was allowed for a while is gone after it, from refreshes and from tokens alike."
    ),
    "account:more:is-taken-back": Requirement(
        "ours", "What was allowed for a while is taken back by a button, by a newer decision, or with the connection."
    ),
    "account:more:only-what-the-role-permits": Requirement(
        "design decision 22", "Nobody can allow on the page what their role or the registration does not permit."
    ),
    "account:more:never-beyond-the-login": Requirement(
        "design decision 9", "What is allowed for a while ends with the login at the latest."
    ),
    "account:change:narrows-every-login": Requirement(
        "design decision 11, clients.md rule 14",
        "What is unticked on the page is gone from every login, and a form adds nothing.",
    ),
    "account:password:ends-what-hangs-on-it": Requirement(
        "ASVS 7.4.3", "A new password, given the present one, ends every other browser and every application's access."
    ),
    "attack:account:only-ones-own": Requirement(
        "AZ-04, AZ-25, AZ-28, AZ-51, AZ-52; RFC 9700 §4.7; design decision 22",
        "Nobody sees, ends or widens another person's connections, nor makes a person do it unknowingly.",
    ),
    "attack:race:disconnect-between-processes": Requirement(
        "issue: races, refresh vs revoke", "Disconnecting wins over every refresh, in whichever process."
    ),
    "browser:account:disconnect-ends-it": Requirement(
        "issue: a page for people",
        "In a real browser, with and without script, a person allows more for a while, disconnects, and both act.",
    ),
    "account:sign-out:everywhere": Requirement(
        "ASVS 7.4.3", "Signing out everywhere ends every browser session and no application."
    ),
}


JOURNEYS: dict[str, Requirement] = {
    "guard:decision:is-remembered-where-nothing-can-change-it": Requirement(
        "ours (decision 18)",
        "A decision is given again only where neither time, arguments nor earlier calls could change it, and is then the same.",
    ),
    "agreement:approvals:the-sdk-opens-the-page-by-itself": Requirement(
        "issue, MCP 2026-07-28 Elicitation",
        "The official SDK opens the page by URL elicitation, a person says yes there, and its retry runs once.",
    ),
    "agreement:approvals:the-older-era-opens-the-page": Requirement(
        "issue, MCP 2025-11-25 Elicitation",
        "In a session of 2025-11-25 the page travels in -32042, and the retry runs once.",
    ),
    "agreement:approvals:a-client-without-elicitation-is-told-in-the-result": Requirement(
        "issue, decision 13", "A client that declares nothing gets the page's address in a typed result, in both eras."
    ),
    "agreement:approvals:fastmcps-client": Requirement(
        "issue", "FastMCP's client waits for the yes, whatever it declares, in both eras, and one yes runs one call."
    ),
    "agreement:approvals:a-yes-is-for-one-call-alone": Requirement(
        "issue, AP-02",
        "A changed amount is refused and names what differs; the yes still runs the call it was given for.",
    ),
    "agreement:approvals:nobody-else-decides": Requirement(
        "issue, AP-01, AP-05",
        "Another organisation, a colleague and an unknown id are one page, and one person's yes is not another's.",
    ),
    "agreement:approvals:a-no-is-final": Requirement(
        "issue", "A no is a typed refusal, and the same call asks nobody again."
    ),
    "agreement:approvals:four-eyes-and-machines-wait-for-an-approver": Requirement(
        "issue, design §4",
        "A call under four eyes, and one of a machine, waits for an approver of the same organisation who is not the requester.",
    ),
    "agreement:approvals:deny-and-stop-ends-the-agent": Requirement(
        "issue, C17", "A no that stops the agent ends its session for this person at this server at once."
    ),
    "agreement:approvals:identical-calls-at-once-share-one-outcome": Requirement(
        "issue, decision 13", "Identical calls at once after one yes run once and all hear that one outcome."
    ),
    "cli:check:names-tools-that-ask-nobody": Requirement(
        "issue, decision 13", "`check` warns of each destructive tool that was registered with approval: false."
    ),
}
