"""Words that make a "not found" doubtful, in the languages of registries, and the labels of remarks.

Compared in folded form: lower case, without accents (`fold_text`). A word stands for all its forms, so most are stems. They do
not decide what a sentence means; they only say that it may not be ignored.
"""

from __future__ import annotations

import unicodedata

#: Letters that NFD does not decompose.
_PLAIN = str.maketrans({"\u0142": "l", "\u00f8": "o", "\u0131": "i", "\u0111": "d"})


def fold_text(text: str) -> str:
    """The folded form of a text: lower case, single blanks, without accents and other combining marks."""
    low = " ".join(text.lower().split())
    if low.isascii():
        return low
    bare = "".join(mark for mark in unicodedata.normalize("NFD", low) if not unicodedata.combining(mark))
    return unicodedata.normalize("NFC", bare.translate(_PLAIN))


def _fold_words(text: str) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(fold_text(word) for line in text.strip().split("\n") for word in line.split("|") if word.strip())
    )


#: Stems, by language.
DOUBTFUL = _fold_words(
    """
reserv|restrict|block|prohibit|forbid|denied|not allowed|not permitted|disallow|not available|unavailable|premium|invalid
illegal|malformed|unsupported|not supported|not implemented|maintenance|internal error|policy|collision
variant|approval|approved|permission|consent
eligib|withdrawn|withheld|excluded|embargo|suspend|locked|banned|not open|not for sale|for sale only|backorder|back-order
waiting list|waitlist|sunrise|landrush|claims|dispute|court|trademark|cannot|can not|can't|may not be|must be|protected
not eligible|on hold|held by|hold by|hold period|cooling|not delegable|unassignable|rejected|refused|tasting|grace period
not be regist|not be creat|unregistrable|unregisterable|contravene|violat|offensive|sensitive|inappropriate
not accept|only available to|available only|exclusive|ineligible|requires|too short|too long
conflict|homograph|confusab|similar to|qualif|may register|contact the registry|unauthori
not authori|not for general|hold on|withdrawal|moratorium|blacklist|delist|bundle|equivalent
interdit|indisponible|non disponible|suspendu|approbation|autorisation|agrement|refuse|verrouill|bloque
prohibid|no disponible|aprobacion|autorizacion|suspendid|rechazad|invalid|en espera|no se puede|no permitid
proibid|indisponivel|nao disponivel|aprovacao|nao permitid|recusad|bloquead|impedid|congelad
riservat|vietat|bloccat|non valido|non consentit|sospes|proibit|non assegnabile|non registrabile
reservier|gesperrt|blockiert|verboten|nicht verfugbar|ungultig|genehmig|gesperrt|zuruckgestellt|unzulassig
nicht zulassig|nicht registrierbar|nicht erlaubt|eingeschrankt|vorgemerkt|warteliste
gereserveerd|geblokkeerd|verboden|niet beschikbaar|ongeldig|niet toegestaan|opgeheven|beperkt
spärra|blockerad|förbjud|inte tillgänglig|ej tillgänglig|ogiltig|otillåten|reserverad
sperre|blokkert|forbudt|ikke tilgjengelig|ugyldig|reservert|spærret|ikke tilgængelig|venteliste
varattu|estetty|kielletty|ei saatavilla|virheellinen|suojattu|rajoitettu
zarezerwowan|zastrzezon|zablokowan|niedostepn|nieprawidlow|zakazan|ograniczon
rezervov|rezervir|rezervat|rezervu|rezervet|vyhrazen|blokov|blokir|blokada|zakazan|nedostupn|neplatn|zabranjen
nedozvoljen|prepoveda|omejen|nevazec
fenntart|foglalt|tiltott|zarolt|nem elerheto|ervenytelen|korlatoz
blocat|interzis|indisponibil|restrictionat
rezerve|ayrilmis|yasak|engellen|gecersiz|kisitl|tahsis edil|uygun degil
reserveeritud|keelatud|broneeritud|suletud|blokeeritud|aizliegt|blokets|uzblokuot|draudziama
резерв|заблок|блокир|запрещ|запрет|недоступ|недопуст|неверн|заборон|недійсн|огранич|обмеж|забранен|запазен
ограничен|зарезерв|забрањен|резервис
δεσμευμεν|κατειλημμεν|απαγορευ|μη διαθεσιμ|περιορισμ|ακυρ
予約|制限|禁止|登録できません|登録出来ません|ブロック|無効|保留|使用できません
限制|不可注册|不能注册|无法注册|不允许|溢价|敏感|冻结|锁定|受保护|預留|限制|禁止註冊|不可註冊|無法註冊|不能註冊|凍結
제한|예약|금지|불가|보류|차단|등록할 수 없|등록될 수 없
محجوز|محظور|مقيد|ممنوع|غير متاح|غير صالح|מוגבל|שמור|חסום|אסור|สงวน|ห้าม|ไม่อนุญาต|จำกัด
bảo lưu|bị cấm|hạn chế|không được|dicadangkan|diblokir|dilarang|tidak tersedia|terlarang|dikecualikan|tertangguh
"""
)

#: About names that are being released: `parsers.release` reads them where they stand in a sentence of their own.
RELEASING = _fold_words(
    """
auction|quarantine|redemption|pending|to be deleted|to be released|delete candidate|deletecandidate|enchere|en attente|subasta
pendiente|leilao|pendente|all'asta|in attesa|auktion|veiling|quarantaine|karantan|karantene|auksjon|karantæne|karanteeni
huutokauppa|aukcj|kwarantann|aukc|karanten|drazba|licitacij|arveres|licitatie|carantin|muzayede|oksjon|karantin|izsole|aukcion
аукцион|карантин|аукціон|δημοπρασι|オークション|拍卖|拍賣|경매
"""
)

#: About failures: in an RDAP error they only repeat its status, beside a "not found" line of WHOIS they are doubtful.
TROUBLED = _fold_words("error|fail|timeout|timed out|time-out|temporar|required|not register|unable to|try again|later")

#: Labels of remarks about one name, in normalised form.
REMARK_LABELS = frozenset(
    _fold_words(
        """
note|notes|note(s)|reason|reasons|remark|remarks|comment|comments|message|messages|explanation|details|detail|warning|caution
attention|hint|additional info|additional information|registry note|registry notes|registry remark|registry remarks|info|notice
information|restriction|restrictions|condition|block reason|reserved reason|status reason|error|error message|reason code
status message|status note|status description|description|memo|observation|observations|annotation|important|the reason is
nota|notas|motivo|motivos|razon|comentario|comentarios|mensaje|aviso|observacion|observaciones|observacao|observacoes|mensagem
motif|raison|remarque|remarques|commentaire|commentaires|avertissement|osservazioni|osservazione|commento|messaggio|avviso|causa
grund|hinweis|hinweise|bemerkung|bemerkungen|anmerkung|anmerkungen|meldung|kommentar|begrundung|opmerking|opmerkingen|reden
melding|toelichting|anmarkning|orsak|meddelande|bemærkning|bemærkninger|bemerkning|merknad|arsag|arsak|huomautus|huomio|syy
uwaga|uwagi|powod|komunikat|komentarz|poznamka|duvod|dovod|upozorneni|upozornenie|zprava|sprava|megjegyzes|indok|uzenet
napomena|razlog|opomba|observatii|mentiuni|not|aciklama|sebep|neden|uyari|markus|pohjus|piezime|iemesls|pastaba|priezastis
примечание|причина|комментарий|внимание|сообщение|примітка|коментар|забележка|напомена|разлог|σημειωση|λογος|παρατηρησεις
備考|理由|注意|注記|备注|原因|说明|提示|注释|備註|說明|비고|사유|참고|안내|ملاحظة|ملاحظات|سبب
הערה|סיבה|หมายเหตุ|เหตุผล|ghi chú|lý do
catatan|keterangan|alasan|perhatian
"""
    )
)


#: All of them.
ANY = DOUBTFUL + RELEASING + TROUBLED


def find_first_word(words: tuple[str, ...], folded: str) -> str:
    """The first of the words that a folded text contains; "" for none."""
    return next((word for word in words if word in folded), "")
