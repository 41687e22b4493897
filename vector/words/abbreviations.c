/*
 * Abbreviations that data people use in names, by short form, and reading a user's own.
 *
 * A short form stands here when one long form is meant by far the most often, in any trade; what is as often a word of its own
 * (bus, cat, net) does not. Who means something else says so in a file of their own. tbl, vw, stg, str and their like say what
 * kind of thing a name is of, and nothing about its data.
 */
#include "vector/words/spell_int.h"

/* clang-format off */
const floe_abbreviation floe_abbreviations[] = {
    {"acc", "account"}, {"accs", "accounts"}, {"acct", "account"}, {"accts", "accounts"}, {"addr", "address"},
    {"addrs", "addresses"}, {"adj", "adjustment"}, {"adm", "administration"}, {"admin", "administrator"},
    {"adv", "advance"}, {"agcy", "agency"}, {"agg", "aggregate"}, {"agt", "agent"}, {"alloc", "allocation"},
    {"alt", "alternate"}, {"amt", "amount"}, {"amts", "amounts"}, {"anlys", "analysis"}, {"appl", "application"},
    {"appr", "approval"}, {"approx", "approximate"}, {"appt", "appointment"}, {"apt", "apartment"},
    {"arr", "arrival"}, {"asgn", "assigned"}, {"assn", "association"}, {"assoc", "associate"}, {"asst", "assistant"},
    {"attr", "attribute"}, {"attrs", "attributes"}, {"auth", "authorization"}, {"avail", "available"},
    {"avg", "average"}, {"awb", "airway bill"}, {"bal", "balance"}, {"bals", "balances"}, {"bdgt", "budget"},
    {"beg", "beginning"}, {"bgn", "begin"}, {"bkg", "booking"}, {"bldg", "building"}, {"bln", ""}, {"bnk", "bank"},
    {"bom", "bill of materials"}, {"br", "branch"}, {"brd", "brand"}, {"byr", "buyer"}, {"cal", "calendar"},
    {"calc", "calculated"}, {"capt", "captain"}, {"catg", "category"}, {"ccy", "currency"}, {"cd", "code"},
    {"cds", "codes"}, {"cert", "certificate"}, {"cfg", "configuration"}, {"chg", "change"}, {"chgs", "charges"},
    {"chk", "check"}, {"chnl", "channel"}, {"clm", "claim"}, {"clnt", "client"}, {"cls", "class"},
    {"cmnt", "comment"}, {"cmpgn", "campaign"}, {"cmt", "comment"}, {"cncl", "cancelled"}, {"cnt", "count"},
    {"cntct", "contact"}, {"cntr", "center"}, {"cntrct", "contract"}, {"cntry", "country"}, {"cntxt", "context"},
    {"co", "company"}, {"comm", "commission"}, {"comp", "company"}, {"cond", "condition"}, {"conf", "confirmation"},
    {"config", "configuration"}, {"cons", "consumer"}, {"cont", "contract"}, {"contr", "contract"},
    {"conv", "conversion"}, {"coord", "coordinate"}, {"corp", "corporation"}, {"cpty", "counterparty"},
    {"cr", "credit"}, {"crd", "card"}, {"crdt", "credit"}, {"crncy", "currency"}, {"crs", "course"},
    {"crtd", "created"}, {"csh", "cash"}, {"cst", "cost"}, {"ctc", "contact"}, {"ctgry", "category"},
    {"ctr", "center"}, {"ctrl", "control"}, {"ctry", "country"}, {"cty", "city"}, {"cur", "current"},
    {"curr", "currency"}, {"cust", "customer"}, {"custs", "customers"}, {"cxl", "cancelled"}, {"db", "database"},
    {"dbl", ""}, {"dbt", "debit"}, {"dcmt", "document"}, {"ddt", "due date"}, {"decl", "declined"},
    {"def", "definition"}, {"deliv", "delivery"}, {"dep", "department"}, {"depr", "depreciation"},
    {"dept", "department"}, {"depts", "departments"}, {"desc", "description"}, {"descr", "description"},
    {"dest", "destination"}, {"det", "detail"}, {"dev", "device"}, {"dft", "default"}, {"diff", "difference"},
    {"dir", "director"}, {"dis", "discount"}, {"disc", "discount"}, {"disp", "display"}, {"dist", "district"},
    {"div", "division"}, {"dlr", "dealer"}, {"dlvr", "delivery"}, {"dlvry", "delivery"}, {"dly", "delivery"},
    {"dmg", "damage"}, {"dob", "date of birth"}, {"doc", "document"}, {"docs", "documents"}, {"dod", "date of death"},
    {"drv", "driver"}, {"dsc", "description"}, {"dscnt", "discount"}, {"dscr", "description"}, {"dsp", "display"},
    {"dstr", "distributor"}, {"dt", "date"}, {"dte", "date"}, {"dtl", "detail"}, {"dtls", "details"},
    {"dtm", "date time"}, {"dts", "dates"}, {"dttm", "date time"}, {"dur", "duration"}, {"dvc", "device"},
    {"dvsn", "division"}, {"dw", "warehouse"}, {"dy", "day"}, {"edu", "education"}, {"ee", "employee"},
    {"eff", "effective"}, {"elig", "eligible"}, {"em", "email"}, {"emp", "employee"}, {"empl", "employee"},
    {"emps", "employees"}, {"enrl", "enrollment"}, {"ent", "entity"}, {"env", "environment"}, {"equip", "equipment"},
    {"err", "error"}, {"est", "estimated"}, {"eta", "estimated arrival"}, {"etd", "estimated departure"},
    {"evt", "event"}, {"evts", "events"}, {"exch", "exchange"}, {"exec", "executive"}, {"exp", "expiry"},
    {"expr", "expiry"}, {"ext", "extension"}, {"fac", "facility"}, {"fam", "family"}, {"fcst", "forecast"},
    {"fct", "fact"}, {"fin", "finance"}, {"fld", "field"}, {"flds", "fields"}, {"flg", "flag"}, {"flgs", "flags"},
    {"flt", "flight"}, {"flts", "flights"}, {"fn", "function"}, {"fname", "first name"}, {"fnc", "finance"},
    {"freq", "frequency"}, {"frm", "from"}, {"frst", "first"}, {"frt", "freight"}, {"fwd", "forward"},
    {"fx", "foreign exchange"}, {"fy", "fiscal year"}, {"geo", "geography"}, {"gl", "general ledger"},
    {"gndr", "gender"}, {"gov", "government"}, {"govt", "government"}, {"gp", "group"}, {"grd", "grade"},
    {"grp", "group"}, {"grps", "groups"}, {"grs", "gross"}, {"gvt", "government"}, {"hdr", "header"},
    {"hh", "household"}, {"hier", "hierarchy"}, {"hist", "history"}, {"hosp", "hospital"}, {"hq", "headquarters"},
    {"hr", "hour"}, {"hrs", "hours"}, {"hst", "history"}, {"ht", "height"}, {"htl", "hotel"}, {"idx", "index"},
    {"img", "image"}, {"imp", "import"}, {"incl", "including"}, {"ind", "indicator"}, {"indiv", "individual"},
    {"info", "information"}, {"ing", "ingredient"}, {"init", "initial"}, {"ins", "insurance"},
    {"inst", "institution"}, {"instr", "instruction"}, {"int", ""}, {"intl", "international"}, {"inv", "invoice"},
    {"invc", "invoice"}, {"invs", "invoices"}, {"invt", "inventory"}, {"iss", "issue"}, {"itm", "item"},
    {"itms", "items"}, {"jnl", "journal"}, {"jrnl", "journal"}, {"kwh", "kilowatt hours"}, {"lang", "language"},
    {"lat", "latitude"}, {"lb", "pound"}, {"lbl", "label"}, {"lc", "location"}, {"ld", "load"}, {"len", "length"},
    {"lgl", "legal"}, {"lib", "library"}, {"lic", "license"}, {"lim", "limit"}, {"ln", "line"},
    {"lname", "last name"}, {"lng", "longitude"}, {"lnk", "link"}, {"loc", "location"}, {"locs", "locations"},
    {"lon", "longitude"}, {"lst", "last"}, {"ltd", "limited"}, {"ltr", "letter"}, {"lvl", "level"},
    {"lvls", "levels"}, {"mbr", "member"}, {"mbrs", "members"}, {"mdl", "model"}, {"med", "medical"},
    {"mem", "member"}, {"merch", "merchant"}, {"mfg", "manufacturing"}, {"mfr", "manufacturer"},
    {"mgmt", "management"}, {"mgr", "manager"}, {"mgrs", "managers"}, {"mi", "mile"}, {"min", "minimum"},
    {"misc", "miscellaneous"}, {"mkt", "market"}, {"mktg", "marketing"}, {"mo", "month"}, {"mod", "modified"},
    {"mos", "months"}, {"msg", "message"}, {"msgs", "messages"}, {"msr", "measure"}, {"mstr", "master"},
    {"mtd", "month to date"}, {"mth", "month"}, {"mthd", "method"}, {"mths", "months"}, {"mtrl", "material"},
    {"mtx", "matrix"}, {"mx", "maximum"}, {"nat", "nationality"}, {"natl", "national"}, {"nbr", "number"},
    {"nbrs", "numbers"}, {"nm", "name"}, {"nmbr", "number"}, {"nme", "name"}, {"nms", "names"}, {"no", "number"},
    {"nos", "numbers"}, {"notif", "notification"}, {"nr", "number"}, {"ntf", "notification"}, {"nts", "notes"},
    {"num", "number"}, {"nums", "numbers"}, {"nxt", "next"}, {"obj", "object"}, {"obs", "observation"},
    {"occ", "occupation"}, {"ofc", "office"}, {"offc", "office"}, {"opp", "opportunity"}, {"opr", "operator"},
    {"opt", "option"}, {"ord", "order"}, {"ords", "orders"}, {"org", "organization"}, {"orgn", "origin"},
    {"orgs", "organizations"}, {"orig", "original"}, {"ovr", "override"}, {"pat", "patient"}, {"pax", "passengers"},
    {"pcs", "pieces"}, {"pct", "percent"}, {"perc", "percent"}, {"perf", "performance"}, {"perm", "permission"},
    {"pers", "person"}, {"pfl", "profile"}, {"ph", "phone"}, {"phn", "phone"}, {"phys", "physical"},
    {"pkg", "package"}, {"pkgs", "packages"}, {"plc", "place"}, {"plcy", "policy"}, {"pln", "plan"}, {"plt", "plant"},
    {"pmt", "payment"}, {"pmts", "payments"}, {"pno", "part number"}, {"po", "purchase order"}, {"pol", "policy"},
    {"pos", "position"}, {"pr", "price"}, {"prc", "price"}, {"prcs", "process"}, {"prd", "product"},
    {"prds", "products"}, {"pref", "preference"}, {"prem", "premium"}, {"prev", "previous"}, {"prj", "project"},
    {"prjs", "projects"}, {"prm", "premium"}, {"proc", "process"}, {"procs", "processes"}, {"prod", "product"},
    {"prods", "products"}, {"prof", "professor"}, {"prog", "program"}, {"proj", "project"}, {"projs", "projects"},
    {"prom", "promotion"}, {"promo", "promotion"}, {"prop", "property"}, {"prov", "provider"}, {"prsn", "person"},
    {"prsnl", "personnel"}, {"prv", "previous"}, {"psgr", "passenger"}, {"psn", "position"}, {"pstl", "postal"},
    {"pt", "patient"}, {"pub", "publication"}, {"pur", "purchase"}, {"purch", "purchase"}, {"pwd", "password"},
    {"pymt", "payment"}, {"pymts", "payments"}, {"qlty", "quality"}, {"qry", "query"}, {"qtd", "quarter to date"},
    {"qte", "quote"}, {"qtr", "quarter"}, {"qtrs", "quarters"}, {"qty", "quantity"}, {"qtys", "quantities"},
    {"rcpt", "receipt"}, {"rcv", "received"}, {"rcvd", "received"}, {"rec", "record"}, {"recs", "records"},
    {"ref", "reference"}, {"refs", "references"}, {"reg", "region"}, {"rej", "rejected"}, {"rel", "relation"},
    {"reln", "relation"}, {"rem", "remaining"}, {"rep", "representative"}, {"reps", "representatives"},
    {"req", "request"}, {"reqd", "required"}, {"reqs", "requests"}, {"res", "reservation"}, {"resp", "response"},
    {"rev", "revenue"}, {"rgn", "region"}, {"rgns", "regions"}, {"rls", "release"}, {"rltn", "relation"},
    {"rm", "room"}, {"rms", "rooms"}, {"rpt", "report"}, {"rpts", "reports"}, {"rqst", "request"}, {"rsn", "reason"},
    {"rsrc", "resource"}, {"rsvn", "reservation"}, {"rt", "rate"}, {"rte", "route"}, {"rtg", "rating"},
    {"rtl", "retail"}, {"rtn", "return"}, {"rtng", "rating"}, {"sal", "salary"}, {"sched", "schedule"},
    {"schl", "school"}, {"sci", "science"}, {"scr", "score"}, {"sec", "second"}, {"secs", "seconds"},
    {"sect", "section"}, {"sel", "selected"}, {"seq", "sequence"}, {"sesn", "session"}, {"sess", "session"},
    {"sev", "severity"}, {"sgmt", "segment"}, {"shp", "ship"}, {"shpmt", "shipment"}, {"shpr", "shipper"},
    {"shr", "share"}, {"sig", "signature"}, {"sku", "stock keeping unit"}, {"sl", "sale"}, {"sls", "sales"},
    {"slsp", "salesperson"}, {"smry", "summary"}, {"snd", "send"}, {"soc", "social"}, {"spc", "species"},
    {"spec", "specification"}, {"spl", "supplier"}, {"splr", "supplier"}, {"spt", "support"}, {"sr", "senior"},
    {"src", "source"}, {"srcs", "sources"}, {"srv", "service"}, {"srvc", "service"}, {"srvcs", "services"},
    {"ssn", "social security number"}, {"st", "state"}, {"sta", "station"}, {"stat", "status"},
    {"stats", "statistics"}, {"std", "standard"}, {"stdt", "student"}, {"stg", ""}, {"stk", "stock"},
    {"stmt", "statement"}, {"stn", "station"}, {"stor", "store"}, {"str", ""}, {"strt", "start"}, {"sts", "status"},
    {"stu", "student"}, {"subj", "subject"}, {"subs", "subscription"}, {"summ", "summary"}, {"sup", "supplier"},
    {"supp", "supplier"}, {"suppl", "supplier"}, {"supv", "supervisor"}, {"svc", "service"}, {"svcs", "services"},
    {"svr", "server"}, {"sym", "symbol"}, {"sys", "system"}, {"tb", ""}, {"tbl", ""}, {"tchr", "teacher"},
    {"tel", "telephone"}, {"temp", "temperature"}, {"terr", "territory"}, {"tkt", "ticket"}, {"tkts", "tickets"},
    {"tm", "time"}, {"tmp", "temporary"}, {"tms", "times"}, {"tmstmp", "timestamp"}, {"tot", "total"},
    {"totl", "total"}, {"tps", "transactions per second"}, {"tpv", "total payment volume"}, {"tran", "transaction"},
    {"trans", "transaction"}, {"trf", "transfer"}, {"trk", "track"}, {"trm", "term"}, {"trms", "terms"},
    {"trn", "transaction"}, {"trns", "transactions"}, {"trnsp", "transport"}, {"trx", "transaction"},
    {"trxn", "transaction"}, {"ts", "timestamp"}, {"ttl", "total"}, {"tx", "tax"}, {"txn", "transaction"},
    {"txns", "transactions"}, {"txt", "text"}, {"typ", "type"}, {"typs", "types"}, {"tz", "time zone"},
    {"uid", "user id"}, {"uom", "unit of measure"}, {"upc", "product code"}, {"upd", "updated"}, {"usr", "user"},
    {"usrs", "users"}, {"util", "utilization"}, {"val", "value"}, {"vals", "values"}, {"vat", "value added tax"},
    {"veh", "vehicle"}, {"vehs", "vehicles"}, {"ver", "version"}, {"vers", "version"},
    {"vin", "vehicle identification number"}, {"vis", "visit"}, {"vl", "value"}, {"vlu", "value"}, {"vndr", "vendor"},
    {"vndrs", "vendors"}, {"vol", "volume"}, {"vst", "visit"}, {"vw", ""}, {"wbs", "work breakdown"},
    {"wgt", "weight"}, {"wh", "warehouse"}, {"whs", "warehouse"}, {"whse", "warehouse"}, {"wk", "week"},
    {"wks", "weeks"}, {"wrhs", "warehouse"}, {"wt", "weight"}, {"xchg", "exchange"}, {"xfer", "transfer"},
    {"yoy", "year over year"}, {"yr", "year"}, {"yrs", "years"}, {"ytd", "year to date"}, {"zip", "postal code"},
    {"zn", "zone"},
};
/* clang-format on */
const size_t floe_abbreviation_count = sizeof(floe_abbreviations) / sizeof(floe_abbreviations[0]);

/* ---- a user's own ---- */

/* The folded words of a text, separated by blanks; false when they do not fit. */
static bool fold(floe_str text, char *out, size_t size, floe_str *ret_folded) {
    floe_words words = floe_words_of(text);
    floe_str word = {0};
    size_t len = 0;
    while (floe_words_next(&words, &word)) {
        if (len + word.len + 1 > size) {
            return false;
        }
        if (len > 0) {
            out[len++] = ' ';
        }
        memcpy(out + len, word.ptr, word.len);
        len += word.len;
    }
    *ret_folded = (floe_str){out, len};
    return true;
}

#define LONG_FORM_MAX 256

static floe_status read_line(floe_str line, const char *file, size_t number, const floe_abbreviation_sink *sink,
                             floe_error *err) {
    char short_text[FLOE_WORD_MAX + 1];
    char long_text[LONG_FORM_MAX];
    floe_str short_form = {0};
    floe_str long_form = {0};
    size_t end = 0;
    while (end < line.len && line.ptr[end] != ' ' && line.ptr[end] != '\t') {
        end++;
    }
    floe_str first = {line.ptr, end};
    bool one = fold(first, short_text, sizeof(short_text), &short_form) && short_form.len > 0 &&
               !memchr(short_form.ptr, ' ', short_form.len);
    FLOE_ENSURE(
        one, err, FLOE_INVALID,
        "%s:%zu: \"%.*s\" is not one word, as names are split; write SHORT LONG WORDS, such as \"qty quantity\"", file,
        number, FLOE_STR_BRIEF(first));
    FLOE_ENSURE(fold((floe_str){line.ptr + end, line.len - end}, long_text, sizeof(long_text), &long_form), err,
                FLOE_INVALID, "%s:%zu: what %.*s stands for is longer than %d bytes", file, number,
                FLOE_STR_BRIEF(first), LONG_FORM_MAX - 1);
    return sink->pair(sink->context, short_form, long_form, err);
}

floe_status floe_abbreviations_read(floe_str text, const char *file, const floe_abbreviation_sink *sink,
                                    floe_error *err) {
    floe_str line = {0};
    for (size_t number = 1; floe_str_split(&text, '\n', &line); number++) {
        const char *comment = line.len > 0 ? memchr(line.ptr, '#', line.len) : NULL;
        line.len = comment ? (size_t)(comment - line.ptr) : line.len;
        line = floe_str_trim(line);
        if (line.len > 0) {
            FLOE_TRY(read_line(line, file, number, sink, err));
        }
    }
    return FLOE_OK;
}
