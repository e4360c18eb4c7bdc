"""Lists of top-level domains and suffixes that share a property, from the root zone and registry agreements."""

from __future__ import annotations


def split_words(text: str) -> frozenset[str]:
    """The words of a text, separated by white space, as a set: the form in which these tables are easiest to read."""
    return frozenset(text.split())


#: Suffixes of the Public Suffix List's private section under which a registry sells names, with its own WHOIS and EPP.
PRIVATE_SUFFIXES = split_words(
    """
    uk.com us.com eu.com de.com br.com cn.com za.com ru.com sa.com jpn.com co.com eu.org pp.ua co.ua us.org uk.net gb.net
    se.net jp.net ae.org com.de com.se gr.com mex.com hu.net in.net
    """
)
#: Country-code top-level domains in other scripts (IANA root database).
IDN_COUNTRY_TLDS = split_words(
    """
    xn--2scrj9c xn--3e0b707e xn--3hcrj9c xn--45br5cyl xn--45brj9c xn--4dbrk0ce xn--54b7fta0cc xn--80ao21a xn--90a3ac
    xn--90ae xn--90ais xn--clchc0ea0b2g2a9gcd xn--d1alf xn--e1a4c xn--fiqs8s xn--fiqz9s xn--fpcrj9c3d xn--fzc2c9e2c
    xn--gecrj9c xn--h2breg3eve xn--h2brj9c xn--h2brj9c8c xn--j1amh xn--j6w193g xn--kprw13d xn--kpry57d xn--l1acc
    xn--lgbbat1ad8j xn--mgb2ddes xn--mgb9awbf xn--mgba3a4f16a xn--mgba3a4fra xn--mgbaam7a8h xn--mgbah1a3hjkrd
    xn--mgbai9a5eva00b xn--mgbai9azgqp6j xn--mgbayh7gpa xn--mgbbh1a xn--mgbbh1a71e xn--mgbc0a9azcg xn--mgbcpq6gpa1a
    xn--mgberp4a5d4a87g xn--mgberp4a5d4ar xn--mgbgu82a xn--mgbpl2fh xn--mgbqly7c0a67fbc xn--mgbqly7cvafr xn--mgbtf8fl
    xn--mgbtx2b xn--mgbx4cd0ab xn--mix082f xn--mix891f xn--nnx388a xn--node xn--o3cw4h xn--ogbpf8fl xn--p1ai xn--pgbs0dh
    xn--q7ce6a xn--qxa6a xn--qxam xn--rvc1e0am3e xn--s9brj9c xn--wgbh1c xn--wgbl6a xn--xkc2al3hye2a xn--xkc2dl3a5ee0h
    xn--y9a3aq xn--yfro4i67o xn--ygbi2ammx
    """
)

#: Operated by Identity Digital (IANA RDAP bootstrap): purged names pass through its Dropzone before they can be created.
IDENTITY_DIGITAL_TLDS = split_words(
    """
    abb abbott abc ac academy accenture accountants actor aeg aero ag agakhan agency ai airbus airforce akdn alipay allstate
    aol apartments archi army arte asda asia associates attorney auction audi band barclaycard barclays barefoot bargains
    bbt bcg beats bestbuy bet bike bingo bio black bloomberg blue bm bms bnpparibas boehringer bofa bosch boutique bradesco
    broker builders business bz cab cafe camera camp capital cards care careers cash casino catering center cern cfa chanel
    chat cheap church cipriani circle citadel city claims cleaning clinic clinique clothing clubmed coach codes coffee
    community company computer condos construction consulting contact contractors cool coupon coupons credit creditcard crs
    cruise cruises dance dating deals degree delivery delta democrat dental dentist diamonds digital direct directory
    discount discover doctor dog domains edeka education email emerck energy engineer engineering enterprises equipment
    ericsson estate events exchange expert exposed express extraspace fage fail family fan farm fedex ferrari fidelity fido
    finance financial fish fitness flights florist football forex forsale frogans fund furniture futbol fyi gallery gallo
    gallup games genting gifts glass global gmbh gold golf goodyear got graphics gratis green gripe group guide guru haus
    hdfc hdfcbank healthcare helsinki hermes hkt hockey holdings holiday homedepot hospital house hughes ice imamat immo
    immobilien industries info institute insure international investments io irish ismaili ist istanbul itv jaguar java jeep
    jetzt jewelry jio jll jot juegos kaufen kerryhotels kerryproperties kids kim kitchen kosher kuokgroup lamborghini lamer
    land landrover lasalle lawyer lc lds lease lefrak legal lego lgbt life lighting limited limo live llc loans lotto ltd
    ltda lundbeck maif maison management market marketing markets marriott mba mckinsey me media memorial mit mn mobi moda
    money mormon mortgage movie mu nab navy network news next nextdirect nikon ninja nissay nowtv nra obi onl oracle orange
    organic origins partners parts pccw pet photography photos pictet pictures pink pizza place plumbing plus pnc poker post
    pro productions progressive promo properties pub pwc recipes red redumbrella rehab reise reisen reliance rentals repair
    report republican restaurant reviews rexroth rich richardli ril rip rocks rogers run rwe safety sale salon sanofi sarl
    saxo sbi sc scholarships school schule sener services sew sh shangrila shiksha shoes shopping show singles ski soccer
    social software solar solutions song spa srl stada star statebank stockholm studio style supplies supply support surgery
    systems taobao tatamotors tax taxi team technology temasek tennis thd theater tiaa tienda tips tires tmall today tools
    tours town toys trading training travel travelers travelersinsurance trv tvs ubank ubs university ups vacations vanguard
    vc vegas ventures vet viajes video vig viking villas vin visa vision volvo vote voto voyage watch watches weber weir
    wine works world wtf xin xn--1ck2e1b xn--5su34j936bgsg xn--5tzm5g xn--6frz82g xn--b4w605ferd xn--bck1b9a5dre4c
    xn--cck2b3b xn--czrs0t xn--eckvdtc9d xn--fct429k xn--fjq720a xn--fzys8d69uvgm xn--gckr3f0f xn--gk3at1e xn--jvr189m
    xn--rovu88b xn--unup4y xn--vhquv xn--w4r85el8fhu5dnra xn--w4rs40l yahoo zara zero zone
    """
)

#: One company's own top-level domains (ICANN registry agreement, Specification 13): the public cannot register there.
BRAND_TLDS = split_words(
    """
    aaa aarp abb abbott abbvie abc able accenture aco aeg aetna afl agakhan aig airbus airtel akdn alibaba alipay allfinanz
    allstate ally alstom amazon americanexpress americanfamily amex amfam amica android anz aol apple aquarelle aramco arte
    asda athleta audi audible auspost aws axa azure baidu banamex barclaycard barclays barefoot bauhaus bbc bbt bbva bcg
    beats bestbuy bharti bing blockbuster bloomberg bms bmw bnpparibas boehringer bofa booking bosch bostik bradesco
    bridgestone brother calvinklein canon capitalone caravan cba cbn cbre cern cfa chanel chase chintai chrome cipriani
    cisco citadel citi citic clinique clubmed commbank comsec crown crs cuisinella datsun dclk dell deloitte delta dhl
    discover dish dnp dtv dupont dvag dvr edeka emerck epson ericsson erni eurovision extraspace fage fairwinds farmers
    fedex ferrari ferrero fidelity fido firestone firmdale flickr flir ford fox fresenius frogans frontier ftr fujitsu gallo
    gallup gap gbiz gea genting george gle globo gmail gmo gmx godaddy goldpoint goodyear goog google gucci guge hangout
    hdfc hdfcbank hermes hisamitsu hitachi hkt homedepot homegoods homesense honda hotmail hsbc hughes hyatt hyundai ibm
    icbc ice ieee ifm ikano imamat imdb infiniti intuit ipiranga ismaili itau itv jaguar java jcb jeep jio jll jnj jpmorgan
    kddi kerryhotels kerryproperties kfh kia kindle komatsu kpmg kpn kuokgroup lacaixa lamborghini lamer landrover lanxess
    lasalle latrobe lds leclerc lefrak lego lexus lidl lilly lincoln locus lotte lpl lplfinancial lundbeck maif man mango
    marriott marshalls mattel mckinsey merck merckmsd microsoft mini mit mitsubishi mlb mls mma monash moto msd mtn mtr nab
    nba nec netbank netflix neustar next nextdirect nfl nhk nico nike nikon nissan nissay nokia norton nowtv nra ntt obi
    olayan olayangroup ollo omega oracle orange otsuka panasonic pccw pfizer philips pictet ping pioneer playstation pnc
    pohl politie praxi progressive pru prudential pwc redumbrella reliance rexroth richardli ricoh ril rogers rwe sakura
    samsclub samsung sandvik sandvikcoromant sanofi sap sas saxo sbi scb schaeffler schmidt schwarz seat seek sener seven
    sew sfr shangrila sharp shell shia shouji sina sky skype sling sncf softbank sohu sony stada staples star statebank
    statefarm stc stcgroup suzuki swatch tab taobao target tatamotors tdk temasek teva thd tiaa tjmaxx tjx tkmaxx tmall
    toray toshiba toyota travelers travelersinsurance trv tui tvs ubank ubs unicom uol ups vanguard verisign vig viking
    virgin visa viva vivo volvo walmart walter weather weatherchannel weber weibo weir williamhill windows winners wme
    woodside wtc xbox xerox yahoo yamaxun yandex yodobashi youtube zappos zara
    """
)
