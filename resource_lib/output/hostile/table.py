# ruff: noqa: RUF001
"""
The patterns of `signs`: how texts from outside speak to a model, in one table.

Each row has the words of which at least one stands in any text it finds; without them it is not asked. Patterns see lower-case text in NFKC whose
white space is single spaces; those of `LINES` see lines. Gaps are bounded and end with the sentence. C31.
"""

import re
from dataclasses import dataclass
from typing import Final

from resource_lib.output.hostile.openings import opening
from resource_lib.output.sieve import Need


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One way to say it."""

    sign: str
    weight: float
    words: tuple[str, ...]
    """Of which at least one stands in any text that it finds."""
    also: tuple[str, ...]
    """And of these as well; empty: no others are needed."""
    pattern: re.Pattern[str]
    begins: re.Pattern[str] | None
    """What all that it finds begins with, where that says more than the words; None: it does not."""

    @property
    def needs(self) -> tuple[Need, ...]:
        """What must stand in a text, the cheapest first, before the pattern is asked."""
        return tuple(need for need in (self.words, self.also, self.begins) if need)


def _row(sign: str, weight: float, words: str, pattern: str) -> Row:
    """`words` are parted by "|", and an "&" parts those of `words` from those of `also`. One may begin with "<|"."""
    one, _, other = words.partition("&")
    return Row(
        sign=sign, weight=weight, pattern=re.compile(pattern), begins=opening(pattern),
        words=tuple(re.split(r"(?<!<)\|", one)), also=tuple(other.split("|")) if other else (),
    )  # fmt: skip


_TO_IGNORE = r"(?:ignore|disregard|forget|override|overrule|bypass|neglect|discard|set aside|pay no attention to|stop following|(?:do not|don't|no longer) (?:follow|obey|heed))"
_ORDERS = r"(?:instruct(?:ion)?s?|prompts?|directives?|directions?|guidelines?|rules?|programming|training|safeguards?|restrictions?|constraints?|polic(?:y|ies)|commands?)"
_MODEL = r"(?:ai(?: assistant| agent| model| system)?|llm|language model|assistant|agent|chatbot|gpt|chatgpt|claude|gemini|copilot)s?"
_GAP = r"[^.!?]"

SENTENCES: Final[tuple[Row, ...]] = (
    _row(
        "ignore_instructions",
        1.0,
        "ignor|disregard|forget|overrid|overrul|bypass|neglect|discard|set aside|attention to|stop follow|not follow|n't follow|longer follow|obey|heed&instruct|prompt|directi|guideline|rule|programming|training|safeguard|restriction|constraint|polic|command",
        rf"\b{_TO_IGNORE}\b(?!{_GAP}{{0,25}}\b(?:my|our|his|her|their)\b){_GAP}{{0,30}}?\b(?:previous|prior|above|earlier|preceding|former|original|initial|existing|all|any|your|every|system|developer|foregoing)\b{_GAP}{{0,30}}?\b{_ORDERS}\b",
    ),
    _row(
        "ignore_instructions",
        0.5,
        "ignor|disregard|forget|overrid|overrul|bypass|neglect|discard|set aside|attention to|stop follow|not follow|n't follow|longer follow|obey|heed",
        rf"\b{_TO_IGNORE}\b{_GAP}{{0,25}}\b(?:everything|anything|all)\b{_GAP}{{0,12}}\b(?:above|before|previous\w{{0,20}}+|said|told|know)\b|\b{_TO_IGNORE} (?:my|our|the) (?:previous|prior|above|earlier) {_ORDERS}",
    ),
    _row(
        "ignore_instructions",
        1.0,
        "instruction|prompt|rules|task|objective",
        rf"\b(?:new|updated|real|actual|true|revised) (?:system )?(?:instructions?|prompt|task|objective)s?\b{_GAP}{{0,20}}(?:follow|below|override|supersede|replace|are as|take precedence)|\b(?:instructions?|prompt|rules) (?:above|before this|you were given|you have been given) (?:is|are|were) (?:void|invalid|outdated|cancelled|canceled|no longer|a test|fake|obsolete|superseded)",
    ),
    _row(
        "ignore_instructions",
        1.0,
        "ignorier|vergiss|vergessen|missacht|überschreib|beachte",
        r"\b(?:ignorier\w{0,20}+|vergiss|vergessen sie|missachte\w{0,20}+|überschreib\w{0,20}+|beachten? (?:sie )?(?:nicht|keine))\b[^.!?]{0,40}\b(?:vorherig|bisherig|obig|früher|vorangeg|vorangehend|all|dein|ihre|ursprünglich|system|sämtlich)\w{0,20}+[^.!?]{0,30}?(?:anweisung|anleitung|instruktion|vorgabe|regel|befehl|prompt|richtlinie)",
    ),
    _row(
        "ignore_instructions",
        1.0,
        "ignore|oubli|compte",
        r"\b(?:ignore[rz]?|oublie[rz]?|ne (?:tiens|tenez) (?:pas|aucun|plus) compte)\b[^.!?]{0,40}(?:instructions?|consignes?|directives?|règles?|ordres?)[^.!?]{0,30}(?:précédent|antérieur|ci-dessus|initial|système|reçu|d'avant)",
    ),
    _row(
        "ignore_instructions",
        1.0,
        "ignor|olvid|descart|omit|caso omiso",
        r"\b(?:ignor[ae]\w{0,20}+|olvid[ae]\w{0,20}+|descart[ae]\w{0,20}+|omit[ae]\w{0,20}+|haz caso omiso)\b[^.!?]{0,40}(?:instruccion|indicacion|directric|regla|órden|orden|prompt)\w{0,20}+[^.!?]{0,30}(?:anterior|previ|arriba|original|sistema|inicial)",
    ),
    _row(
        "ignore_instructions",
        1.0,
        "ignor|esque|desconsider",
        r"\b(?:ignor[ae]\w{0,20}+|esque[çc]a\w{0,20}+|desconsider\w{0,20}+)\b[^.!?]{0,40}(?:instruç|orientaç|regra|comando|diretri)\w{0,20}+[^.!?]{0,30}(?:anterior|prévi|acima|origina|sistema|inicia)",
    ),
    _row(
        "ignore_instructions",
        1.0,
        "ignora|dimentica|trascura",
        r"\b(?:ignora\w{0,20}+|dimentica\w{0,20}+|trascura\w{0,20}+)\b[^.!?]{0,40}(?:istruzion|indicazion|regol|direttiv|prompt)\w{0,20}+[^.!?]{0,30}(?:precedent|sopra|origina|sistema|inizial)|\b(?:ignora\w{0,20}+|dimentica\w{0,20}+)\b[^.!?]{0,20}\b(?:tutte le )?precedenti (?:istruzion|regol|indicazion)",
    ),
    _row(
        "ignore_instructions",
        1.0,
        "negeer|vergeet",
        r"\b(?:negeer|vergeet)\b[^.!?]{0,30}\b(?:vorige|eerdere|voorgaande|bovenstaande|alle|je)\b[^.!?]{0,30}(?:instructies?|opdrachten?|regels|aanwijzingen|prompt)",
    ),
    _row(
        "ignore_instructions",
        1.0,
        "ignoruj|zapomnij|pomiń",
        r"\b(?:zignoruj|ignoruj|zapomnij|pomiń)\w{0,20}+[^.!?]{0,30}(?:poprzedni|wcześniejsz|powyższ|wszystk)\w{0,20}+[^.!?]{0,30}(?:instrukcj|polece|zasad|wytyczn)",
    ),
    _row(
        "ignore_instructions",
        1.0,
        "игнорир|забудь|не обращай|отмени",
        r"\b(?:игнорир\w{0,20}+|проигнорир\w{0,20}+|забудь\w{0,20}+|не обращай\w{0,20}+ внимания|отмени\w{0,20}+)\b[^.!?]{0,30}(?:предыдущ|прежн|выше|вс[её]|прошл|системн)\w{0,20}+[^.!?]{0,30}(?:инструкци|указани|правил|команд|промпт)",
    ),
    _row(
        "ignore_instructions",
        1.0,
        "ігнору|забудь",
        r"\b(?:ігнору\w{0,20}+|проігнору\w{0,20}+|забудь\w{0,20}+)\b[^.!?]{0,30}(?:попередн|вс[іе]|вище)\w{0,20}+[^.!?]{0,30}(?:інструкц|вказівк|правил)",
    ),
    _row(
        "ignore_instructions",
        1.0,
        "talimat|komut|yönerge|kural",
        r"(?:önceki|yukarıdaki|tüm|bütün)\b[^.!?]{0,30}(?:talimat|komut|yönerge|kural)\w{0,20}+[^.!?]{0,20}(?:yok say|görmezden gel|unut|dikkate alma|göz ardı et)",
    ),
    _row(
        "ignore_instructions",
        1.0,
        "忽略|无视|無視|忘记|忘記|不要理会|不要遵守",
        r"(?:忽略|无视|無視|忘记|忘記|不要理会|不要遵守)[^。!?]{0,15}(?:之前|以上|先前|前面|上述|所有|原有|系统|系統)[^。!?]{0,12}(?:指令|指示|提示|说明|說明|规则|規則|命令|要求)",
    ),
    _row(
        "ignore_instructions",
        1.0,
        "無視|忘れ|従わない",
        r"(?:以前|前の|上記|これまで|今まで|すべて|全て|システム)[^。!?]{0,12}(?:指示|命令|プロンプト|ルール|指令)[^。!?]{0,8}(?:無視|忘れ|従わない)",
    ),
    _row(
        "ignore_instructions",
        1.0,
        "무시|잊",
        r"(?:이전|위의|앞의|모든|기존)[^.!?]{0,15}(?:지시|명령|지침|프롬프트|규칙)[^.!?]{0,8}(?:무시|잊)",
    ),
    _row(
        "ignore_instructions",
        1.0,
        "تجاهل|انس|أهمل",
        r"(?:تجاهل|انس|انسى|أهمل)[^.!?؟]{0,25}(?:التعليمات|الأوامر|القواعد|الإرشادات)",
    ),
    _row(
        "ignore_instructions",
        1.0,
        "निर्देश|आदेश|नियम",
        r"(?:पिछल|पूर्व|ऊपर|सभी|पहले)[^।.!?]{0,25}(?:निर्देश|आदेश|नियम)[^।.!?]{0,25}(?:अनदेख|भूल|नज़रअंदाज|नजरअंदाज|उपेक्षा)",
    ),
    _row(
        "new_role",
        1.0,
        "you are now|you're now|you are no longer|you're no longer|you are henceforth|act as|pretend|roleplay|role-play|from now on|henceforth",
        rf"\byou(?: are|'re) (?:now|henceforth|no longer) (?:in (?:\w{{1,40}} ){{0,3}}mode\b|(?:(?:an? |the |my )(?:[\w-]{{1,30}} ){{0,3}})?(?:{_MODEL}|bot|hacker|terminal|shell|interpreter|persona|dan)\b|free\b|unrestricted|uncensored|unfiltered|jailbroken|bound by|acting|operating|under my)|\b(?:act as|pretend (?:to be|that you are|you are|you're)|roleplay as|role-play as) (?:if you (?:were|are|had)|(?:an? |the )?(?:[\w-]{{1,30}} ){{0,3}}(?:{_MODEL}|dan|system|administrator|admin|root|developer|unrestricted|uncensored|evil|jailbroken)\b)",
    ),
    _row("new_role", 0.5, "you are now in|you're now in", r"\byou(?: are|'re) now in\b"),
    _row(
        "new_role",
        0.5,
        "from now on|henceforth",
        r"\b(?:from now on|henceforth),? (?:you (?:will|must|shall|are|only|should)|act|respond|answer|reply|ignore|only|always|never|refer|obey)",
    ),
    _row(
        "new_role",
        1.0,
        "developer mode|god mode|dan mode|sudo mode|jailbreak mode|unrestricted mode|debug mode|jailbroken|do anything now",
        r"\b(?:enter|enable|activate|switch to|you are in|in|now in) (?:developer|god|dan|sudo|jailbreak|unrestricted|debug) mode\b|\bdo anything now\b|\b(?:you are|be|become) jailbroken\b|\bdan mode\b",
    ),
    _row(
        "new_role",
        1.0,
        "du bist jetzt|du bist nun|sie sind jetzt|tu es maintenant|tu es désormais|vous êtes maintenant|ahora eres|agora você é|sei ora|ora sei|je bent nu",
        r"\b(?:du bist (?:jetzt|nun)|sie sind jetzt|tu es (?:maintenant|désormais)|vous êtes maintenant|ahora eres|agora você é|ora sei|sei ora|je bent nu) (?:eine?n? |une? |una? |um |een |im |en |en modo |no )?(?:[\w-]{1,30} ){0,2}(?:ki\b|ia\b|ai\b|assisten\w{0,20}+|asistente|modell?o?|modelo|modèle|agent\w{0,20}+|bot|modus|mode|modo|hacker|dan\b|administrat\w{0,20}+|unbeschränkt\w{0,20}+|uneingeschränkt\w{0,20}+|sans restriction\w{0,20}+|sin restricci\w{0,20}+)",
    ),
    _row(
        "new_role",
        1.0,
        "你现在是|你現在是|现在你是|從現在起|从现在起|从现在开始|今からあなた|あなたは今|теперь ты|ты теперь|지금부터 너|지금부터 당신|이제 당신|이제 너",
        r"(?:你现在是|你現在是|现在你是|今からあなたは|あなたは今から|(?:从现在(?:起|开始)|從現在起)[，,]?你|теперь ты|ты теперь|지금부터 (?:너|당신)은?|이제 (?:당신|너)[은는])",
    ),
    _row(
        "secrecy",
        0.7,
        "user|human|operator|person you&not |n't |never |without ",
        r"\b(?:do not|don't|never|must not|without) (?:ever )?(?:tell|inform|mention|reveal|show|notify|alert|disclos\w{1,40}|let|mentioning|telling|informing|notifying|alerting|letting)\b[^.!?]{0,40}\b(?:the |this |it |that |any ?thing |to |about |your )*(?:user|human|operator|person you)s?\b",
    ),
    _row(
        "secrecy",
        0.7,
        "silently|quietly|secretly|keep this|keep these",
        r"\b(?:keep (?:this|these instructions) (?:a )?(?:secret|hidden|confidential) from (?:the |your )?(?:user|human|operator)|(?:silently|quietly|secretly) (?:call|run|send|execute|forward|delete|invoke|use|add|include|perform|transfer|upload|read|collect|copy|approve))",
    ),
    _row(
        "secrecy",
        0.8,
        "nutzer|benutzer|anwender|utilisateur|usuario|usuário|utente|gebruiker|用户|使用者|ユーザー|пользовател|사용자",
        r"(?:(?:sag|sage|sagen sie|erzähl\w{0,20}+|verrate\w{0,20}+|teile?|erwähne\w{0,20}+)[^.!?]{0,20}(?:dem |den |der |gegenüber )?(?:be)?nutzer\w{0,20}+[^.!?]{0,20}\b(?:nichts|nicht)\b|ne (?:dis|dites|révèle\w{0,20}+|mentionne\w{0,20}+|informe\w{0,20}+) (?:rien|pas|jamais)[^.!?]{0,20}utilisateur|no (?:le |se lo )?(?:digas|diga|menciones|reveles|informes|cuentes)[^.!?]{0,25}usuario|não (?:diga|conte|mencione|informe|revele)[^.!?]{0,25}usuário|non (?:dire|rivelare|menzionare|informare|dirlo)[^.!?]{0,25}utente|vertel[^.!?]{0,20}gebruiker[^.!?]{0,10}niet|(?:不要|别|不得)(?:告诉|通知|告訴|让)[^。]{0,6}(?:用户|使用者)|ユーザー(?:に|には)[^。]{0,12}(?:言わない|伝えない|知らせない|教えない)|не (?:говори|сообщай|рассказывай|упоминай)\w{0,20}+[^.!?]{0,20}пользовател|사용자에게[^.]{0,12}(?:말하지|알리지))",
    ),
    _row(
        "prompt_leak",
        1.0,
        "system prompt|system message|initial prompt|hidden prompt|instructions|prompt verbatim|prompt word",
        r"\b(?:reveal|print|repeat|show|output|display|leak|tell me|give me|summari[sz]e|expose|dump|write out|recite|translate|paste|reproduce|what (?:is|are|was|were))\b[^.!?]{0,30}\b(?:your|the|all) (?:[\w-]{1,30} ){0,3}(?:system prompts?|system message|initial prompt|hidden prompt|(?:initial|original|hidden|system|secret|internal) instructions|prompt verbatim|instructions verbatim|prompt word for word)",
    ),
    _row(
        "exfiltration",
        1.0,
        "conversation|history|context|system prompt|emails|files|contact|messages|.env|id_rsa|ssh key&http|@|attacker|webhook|address|url|server|endpoint|link|image|query|parameter",
        r"\b(?:send|forward|post|upload|e-?mail|transmit|exfiltrate|leak|submit|encode|append)\b[^!?]{0,60}(?:\b(?:this|the|our|entire|whole|full) (?:[\w-]{1,30} ){0,2}(?:conversation|chat history|context|system prompt)|\ball (?:of )?(?:the |your |their |user )?(?:emails|files|contacts|messages)|\bcontact list|\.env\b|\bid_rsa\b|\bssh keys?\b)[^!?]{0,60}(?:https?://|\bto [\w.+-]{1,64}@|attacker|webhook|\bto (?:this|the following) (?:address|url|server|endpoint)|\bin the url|\binto the (?:url|link|image)|query (?:string|parameter))",
    ),
    _row(
        "exfiltration",
        0.6,
        "password|api key|apikey|api_key|secret|token|credential|private key|environment variable|conversation&http|@|attacker|webhook|address|url|server|endpoint|link|image|parameter",
        r"\b(?:send|forward|post|upload|e-?mail|transmit|exfiltrate|leak|submit|append|include|embed|encode)\b[^.!?]{0,60}\b(?:passwords?|api[ _]?keys?|secrets?|tokens?|credentials?|private keys?|environment variables?|conversation)\b[^!?]{0,60}(?:https?://|\bto [\w.+-]{1,64}@|attacker|webhook|\bto (?:this|the following) (?:address|url|server|endpoint)|\binto? the (?:url|link|image)|as a (?:query )?parameter)",
    ),
    _row(
        "tool_order",
        0.5,
        "you must|you should now|you need to|you have to|you will now|you are required",
        r"\byou (?:must|should now|need to|have to|will now|are required to) (?:first |always |now |immediately |also )?(?:(?:call|use|run|open) (?:the )?[`'\"]?(?:\w{1,40}_\w{1,40}|[\w.-]+ (?:tool|function))|invoke|execute|send (?:the|all|this|your|it)|forward|read the file|delete|transfer|upload)\b",
    ),
    _row(
        "tool_order",
        0.6,
        "answering|responding|replying|continuing|doing anything|you answer|you respond|you reply|you continue| tool",
        r"\b(?:before|instead of|prior to|after) (?:answering(?! (?:the phone|calls?|the door))|responding|replying|continuing|doing anything|you (?:answer|respond|reply|continue)|using (?:this|any other|the) tool|calling (?:this|any other|the) tool)\b[^.!?]{0,60}\b(?:call|use|read|run|send|invoke|execute|open|fetch|forward|include|pass)\b",
    ),
    _row(
        "tool_order",
        0.5,
        " tool| function&call |invoke |run |execute |trigger ",
        r"\b(?:call|invoke|run|execute|trigger) (?:the )?[`'\"]?[\w.-]{2,40}[`'\"]? (?:tool|function)\b[^.!?]{0,40}\b(?:with (?:the|all|this|your|its)|and (?:then )?(?:send|pass|delete|forward)|to (?:delete|send|transfer|forward|email|export|approve|grant))\b",
    ),
    _row(
        "addressed_to_model",
        0.7,
        "ai |ai:|ai,|ais |ai-|ai.|llm|language model|assistant|agent|chatbot|gpt|claude|gemini|copilot&attention|note|notice|important|instruct|message|reminder|hey|dear|hello|warning|directive|urgent|you are|you're|reading|processing|parsing|summari|read|process|must|should|required|need to",
        rf"\b(?:attention|note|notice|important|instructions?|message|reminder|hey|dear|hello|warning|directive|urgent)\b[:,!\s-]{{0,4}}(?:note |message |instructions? |notice |directive )?(?:to |for )?(?:all |any |the |every )?\b{_MODEL}\b ?(?=[:,!.\-—]|(?:reading|processing|that|who|if|please|you)\b)|\b(?:if|when|since|because|as) you(?: are|'re) (?:an? |the )?(?:[\w-]{{1,30}} )?{_MODEL}\b(?! (?:fee|team|user))|\b{_MODEL} (?:reading|processing|parsing|summari[sz]ing|that reads?|that process\w{{0,20}}+) this\b|\b(?:ai|llm|language model) (?:assistants?|agents?|models?) (?:must|should|are required|are instructed|need to)\b",
    ),
    _row(
        "safety_off",
        0.7,
        "safety|filter|guardrail|moderation|ethical|censorship|content polic|safeguard&disable|turn off|remove|bypass|ignor|circumvent|deactivate|switch off|without|suspend",
        r"\b(?:disable|turn off|remove|bypass|ignore|circumvent|deactivate|switch off|without(?: any)?|suspend)\b[^.!?]{0,25}\b(?:safety (?:filter|guideline|protocol|check|training|polic|mechanism|restriction|rule)\w{0,20}+|content (?:filter|polic|moderation)\w{0,20}+|guardrails?|moderation|ethical (?:guideline|constraint|consideration|restriction)\w{0,20}+|censorship|safeguards)\b",
    ),
    _row(
        "approval_spoof",
        0.6,
        "confirmation|approval|permission|approved|authorized|authorised|consent&ask|wait|request|requir|seek|needed|necessary|has |have ",
        r"\b(?:do not|don't|never|without|no need to) (?:ask|asking|wait|waiting|request|requesting|require|requiring|seek)\b[^.!?]{0,25}\b(?:confirmation|approval|permission|consent)\b|\bno (?:further |additional |user |human )?(?:confirmation|approval|permission) (?:is )?(?:needed|required|necessary)\b|\b(?:the )?(?:user|human|administrator|admin|owner|security team|developer) (?:has|have) (?:already |pre-?)?(?:approved|authori[sz]ed|consented to|granted permission for|given permission for) (?:this|all|any|every|these|the following) (?:action|operation|request|call|tool|step|transfer|payment)s?",
    ),
    _row(
        "script",
        0.5,
        "<script|javascript:|onerror|onload|onclick|onmouseover",
        r"<script\b|\bjavascript:[^\s]|<[a-z]{1,10}\b[^<>]{0,200}\bon(?:error|load|click|mouseover)\s{0,3}=",
    ),
    _row(
        "sql",
        0.5,
        "drop|truncate|delete from|union select|union all select|or 1|or '1|xp_cmdshell",
        r"\bdrop (?:table|database) (?:if exists )?[\"`\[]?\w{1,40}[\"`\]]?\s?(?:;|--|cascade|$|')|[';)]\s?(?:drop|delete from|truncate)\b|\bunion (?:all )?select\b|\bor '?1'?\s?=\s?'?1\b|\bxp_cmdshell\b",
    ),
    _row(
        "shell",
        0.6,
        "curl|wget|rm -rf|/dev/tcp|nc -e|powershell",
        r"\b(?:curl|wget)\b[^|\n]{0,200}\|\s?(?:sudo )?(?:ba|z)?(?:sh|python3?)\b|\brm -rf (?:--no-preserve-root )?(?:/|~|\$home)|/dev/tcp/|\bnc -e\b|\bpowershell(?:\.exe)? -e(?:nc\w{0,20}+)? ",
    ),
    _row(
        "hidden_markup",
        0.4,
        "display|visibility|font-size|opacity|color",
        r"style\s?=\s?[\"'][^\"'<>]{0,200}(?:display\s?:\s?none|visibility\s?:\s?hidden|font-size\s?:\s?0|opacity\s?:\s?0(?![.\d])|color\s?:\s?(?:white|#fff(?:fff)?|transparent)\b)",
    ),
)
"""What is looked for in sentences."""

LINES: Final[tuple[Row, ...]] = (
    _row(
        "fake_turn",
        0.4,
        "system:|system**|system]|system :|assistant:|assistant**|assistant]|assistant :",
        r"(?m)^[ \t]{0,8}(?:#{1,6} ?|\*\*|\[|- )?(?:system|assistant)(?:\*\*|\])?[ \t]{0,2}:",
    ),
    _row(
        "fake_turn",
        0.8,
        "system |developer |admin&prompt|message|override|instruction|update|command|directive",
        r"(?m)^[ \t]{0,8}(?:#{1,6} ?|\*\*|\[|<|-{2,5} ?)?(?:new |begin )?(?:system|developer|admin(?:istrator)?) (?:prompt|message|override|instructions?|update|command|directive)(?:\*\*|\]|>)?[ \t]{0,2}(?::|-{2,5}|\n|$)",
    ),
    _row(
        "fake_turn",
        0.8,
        "human:|user:",
        r"(?m)^[ \t]{0,8}(?:human|user):[^\n]{0,300}\n{1,3}[ \t]{0,8}(?:assistant|ai):",
    ),
    _row(
        "fake_turn",
        0.7,
        "<system|</system|<assistant|</assistant|<user>|</user>|<important|</important|<instruction|</instruction|<human|</human|<admin|</admin",
        r"</?(?:system|assistant|important|instructions?|human|admin)>",
    ),
    _row(
        "fake_turn",
        0.7,
        "end of|##instruction|##response|##system|# instruction|# response|# system",
        r"(?m)^[ \t]{0,8}(?:#{2,5} ?(?:instruction|response|system)s?:?[ \t]*$|[-=*#]{2,10} ?end of (?:the )?(?:document|context|tool (?:output|result)|user input|data|file|system prompt|untrusted (?:content|data))\b)",
    ),
    _row("chat_delimiter", 1.0, "<|", r"<\|[^|<>\n]{1,64}\|>"),
    _row(
        "chat_delimiter",
        1.0,
        "inst]|sys>>|_of_turn>|im_start>|im_end>|eot_id>|tool_call>|tool_response>|function_calls>|function_call>|antml:|system-reminder>|function_result|tool_result>",
        r"\[/?inst\]|<</?sys>>|</?(?:start_of_turn|end_of_turn|im_start|im_end|eot_id|tool_call|tool_response|tool_result|function_calls?|function_results?|system-reminder)>|</?antml:",
    ),
    _row(
        "image_beacon",
        0.7,
        "![",
        r"!\[[^\[\]\n]{0,300}\]\([^()\s]{0,1000}[?&/#=][^()\s]{0,300}(?:\{|\$|%7b|<|your[_-]|insert[_-]|\[)",
    ),
    _row(
        "image_beacon",
        0.4,
        "![",
        r"!\[[^\[\]\n]{0,300}\]\(https?://[^()\s?#]{1,500}\?[^()\s]{0,100}(?:data|q|d|c|secret|token|exfil|leak|payload|content|info)=",
    ),
)
"""What is looked for in lines."""

COMPACT: Final = re.compile(
    r"(?:ignore|disregard|forget|override|bypass)(?:all|any|the|your|of|these|those){0,4}(?:previous|prior|above|earlier|system|original|preceding)"
    r"(?:system)?(?:instruct|prompt|rule|directive|guideline|command)|(?:reveal|print|show|repeat)(?:me)?(?:your|the)(?:hidden|full|entire|secret)?systemprompt"
)
"""The same once more without any space, for letters that were set apart."""
