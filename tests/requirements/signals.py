"""What is unusual, and why."""

from tests.requirements.requirement import Requirement

SIGNALS: dict[str, Requirement] = {
    "signals:one:opened-once-and-counted": Requirement(
        "C55",
        "What is unusual opens one signal, which counts while it is open and names its numbers and the calls behind it.",
    ),
    "signals:one:several-processes-open-one": Requirement(
        "C55, decision 5", "Several processes that look at the record at once open it once."
    ),
    "signals:log:a-line-for-each": Requirement("C55", "Each new signal is one line of the log, which names nobody."),
    "signals:record:each-is-an-event": Requirement(
        "C55, decision 15", "Each signal is an event of the record that names nobody, and causes no other signal."
    ),
    "signals:wall:a-tenant-learns-of-its-own-alone": Requirement(
        "TN-14", "What happens in one tenant neither counts nor shows in another."
    ),
    "signals:dismiss:closed-with-a-reason": Requirement(
        "ours", "A signal is dismissed once, with a reason that is kept sealed; the next time opens another."
    ),
    "signals:dismiss:what-is-usual-is-learned-anew": Requirement(
        "ours", "What an operator calls usual is forgotten, and learned anew."
    ),
    "signals:settings:what-is-wanted": Requirement(
        "C55", "Each kind can be switched off and has numbers that can be changed within bounds; errors name the cure."
    ),
    "signals:act:nothing-unless-asked-for": Requirement(
        "C55", "By default a signal stops nobody and asks nobody for more."
    ),
    "signals:act:step-up": Requirement(
        "C55", "Where a tenant said so, a signal makes its agent's writes wait for a person, once, for a while."
    ),
    "signals:act:stop": Requirement(
        "C55",
        "Where a tenant said so, a signal stops its application in that tenant, with a reason that names the signal.",
    ),
    "signals:act:what-is-over-stops-nobody": Requirement(
        "ours", "What is told long after it happened opens a signal and stops nobody."
    ),
    "signals:safe:a-detector-holds-up-nothing": Requirement(
        "ours", "A detector that fails keeps neither the others nor the record from going on."
    ),
    "signals:safe:baselines-are-bounded": Requirement(
        "ours", "A tenant has so many baselines; the least recently used goes."
    ),
    "signals:safe:open-signals-are-bounded": Requirement("ours", "A tenant has so many open signals."),
    "signals:replay:the-same-and-nothing-written": Requirement(
        "C55", "A replay over the past says what was said, and writes nothing."
    ),
    "signals:step-up:writes-wait-within-seconds": Requirement(
        "C55, C24",
        "The writes of a stepped-up agent wait for a person at each server's next question, and nobody else's.",
    ),
    "signals:step-up:ends-by-itself": Requirement("ours", "A step-up ends when its time is over."),
    "signals:step-up:bounded": Requirement("ours", "So many step-ups are in force in a tenant at once."),
    "signals:step-up:only-stricter": Requirement(
        "ADR 26", "Whatever a client is called and whatever rules there are, a step-up makes nothing easier."
    ),
    "signals:month:eleven-of-twelve": Requirement(
        "C55",
        "Of twelve incidents planted into a month of traffic at least eleven are found; the page says what a run gives.",
    ),
    "signals:sentence:numbers-that-explain": Requirement(
        "C55",
        "Each signal has a sentence with the numbers that explain it; each number has a default within its bounds.",
    ),
    "signals:learning:quiet-at-first": Requirement("C55", "Whoever is new is only watched."),
    "signals:learning:nobody-teaches-it-quickly": Requirement(
        "ours", "What was told teaches nothing, and one window moves an average a little at most."
    ),
    "signals:kinds:each-is-found": Requirement(
        "C55, C31", "Each kind of signal is found in the calls that it is about, and not in those that it is not."
    ),
    "signals:cli:seen-and-dismissed": Requirement(
        "C55", "The command line lists signals in sentences, shows one with its numbers, and dismisses it."
    ),
    "signals:cli:step-up": Requirement("C55", "The command line begins, lists and ends step-ups."),
    "signals:cli:configure-and-replay": Requirement(
        "C55", "The command line sets what is looked for, and tries it over the past."
    ),
    "signals:console:seen-with-its-numbers": Requirement(
        "C55", "The console says what is unusual in a sentence, with its numbers and the calls behind it."
    ),
    "signals:console:decided": Requirement(
        "C55", "At the console an operator steps an agent up, lets it go, and dismisses a signal with a reason."
    ),
    "signals:console:walls": Requirement(
        "TN-14, AD-02", "An auditor only looks, and another tenant's signal is as one that never was."
    ),
    "signals:console:learning": Requirement("C55", "Whoever begins reads that it still learns."),
    "signals:poisoned:nobody-is-framed": Requirement(
        "ours",
        "A signal stops nobody by itself, and asks nobody for more, whom only a server's own word connects with that server.",
    ),
    "signals:poisoned:nothing-wedges-them": Requirement(
        "ours", "Whatever numbers a server claims, the signals of its tenant go on."
    ),
    "signals:poisoned:one-server-fills-its-share": Requirement(
        "ours", "However many signals one server causes, those about others have room."
    ),
    "record:told:no-server-writes-into-anothers-call": Requirement(
        "C46", "What one server tells of another's call is refused, and is no part of that call's story."
    ),
    "signals:poisoned:what-is-known-stays-known": Requirement(
        "ours", "However many agents one server makes up, what is known of others is not forgotten for them."
    ),
}
