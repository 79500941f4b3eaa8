#define _GNU_SOURCE /* open_memstream */
#include "ow_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_gnuplot.h"
#include "ow_quote.h"
#include "ow_view.h"
#include "ow_words.h"

/* ---- text -------------------------------------------------------------------------- */

void ow_page_text(FILE *to, const char *text)
{
    while (text && *text) {
        const size_t n = ow_utf8_length(text);
        const unsigned char c = (unsigned char)*text;
        if (n == 0 || (n == 1 && ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)))
            fputs("\xef\xbf\xbd", to); /* the replacement character */
        else if (c == '&')
            fputs("&amp;", to);
        else if (c == '<')
            fputs("&lt;", to);
        else if (c == '>')
            fputs("&gt;", to);
        else if (c == '"')
            fputs("&quot;", to);
        else if (c == '\'')
            fputs("&#39;", to);
        else
            fwrite(text, 1, n, to);
        text += n ? n : 1;
    }
}

/* The same with "2 \u03a9" and "16 \u00d7 16" kept on one line. */
static void put_together(FILE *to, char *text)
{
    static const char cross[] = "\xc3\x97";
    char *from = text;
    for (char *c = text; c && *c; c++) {
        const bool is_after = c > text + 1 && memcmp(c - 2, cross, 2) == 0;
        if (*c != ' ' || !(is_after || (c > text && c[-1] >= '0' && c[-1] <= '9' &&
                                        (unsigned char)c[1] >= 0x80)))
            continue;
        *c = '\0';
        ow_page_text(to, from);
        fputs("&nbsp;", to);
        from = c + 1;
    }
    ow_page_text(to, from);
}

/* What a function writes as plain text, as text of the page. */
static void put_words(FILE *to, void (*put)(const struct ow_page *page, FILE *into),
                      const struct ow_page *page)
{
    char *text = NULL;
    size_t n;
    FILE *into = open_memstream(&text, &n);
    if (!into)
        return;
    put(page, into);
    fclose(into);
    put_together(to, text);
    free(text);
}

static void question(const struct ow_page *page, FILE *into)
{
    ow_answer_question(page->s, into);
}

static void task(const struct ow_page *page, FILE *into)
{
    ow_answer_task(page->s, into);
}

static void swept(const struct ow_page *page, FILE *into)
{
    ow_answer_swept(page->s, into);
}

static void lead(const struct ow_page *page, FILE *into)
{
    const struct ow_answer a = ow_answer_find(page->s);
    ow_answer_lead(page->s, &a, into);
}

static void rest(const struct ow_page *page, FILE *into)
{
    const struct ow_answer a = ow_answer_find(page->s);
    ow_answer_rest(page->s, &a, into);
}

static void limits(const struct ow_page *page, FILE *into)
{
    ow_answer_limits(page->s, into);
}

/* ---- head -------------------------------------------------------------------------- */

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b1f24;--soft:#59636e;--line:#d8dee4;--paper:#fff;"
    "--wash:#f6f8fa;--accent:#0072b2;--good:#1a7f37;--bad:#b3400a}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#9aa4af;--line:#363d46;"
    "--paper:#14181d;--wash:#1d232a;--accent:#56b4e9;--good:#5fc77a;--bad:#f0945a}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 -apple-system,"
    "'Segoe UI',Roboto,'Helvetica Neue','Liberation Sans',Arial,sans-serif}\n"
    "main{max-width:1180px;margin:0 auto;padding:28px 32px 64px}\n"
    "header{border-bottom:1px solid var(--line);padding-bottom:14px;margin-bottom:22px}\n"
    ".from{color:var(--soft);font-size:13px;margin:0 0 6px;overflow-wrap:anywhere}\n"
    "h1{font-size:25px;line-height:1.25;font-weight:650;margin:0 0 8px;max-width:62ch}\n"
    "h2{font-size:18px;font-weight:650;margin:34px 0 12px}\n"
    "p{margin:0 0 8px;max-width:100ch}p.soft{max-width:none}\n"
    ".soft,figcaption,.more{color:var(--soft);font-size:13px}\n"
    ".answer{font-size:16.5px;max-width:96ch;margin:0 0 18px}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(215px,1fr));gap:14px;"
    "margin:0 0 10px}\n"
    ".tile{background:var(--wash);border:1px solid var(--line);border-radius:8px;"
    "padding:12px 15px 11px}\n"
    ".tile b{display:block;font-size:26px;line-height:1.2;font-weight:650;margin:2px 0 3px;"
    "font-variant-numeric:tabular-nums}\n"
    ".tile span{color:var(--soft);font-size:13px;display:block;overflow-wrap:anywhere}\n"
    ".plates{display:grid;grid-template-columns:1fr 1fr;gap:20px 22px}\n"
    "figure{margin:0;min-width:0;break-inside:avoid}\n"
    "figure.wide{grid-column:1/-1}\n"
    "figure svg{display:block;width:100%;height:auto;background:#fff;border:1px solid "
    "var(--line);"
    "border-radius:8px;padding:6px}\n"
    "figure svg text{font-family:-apple-system,'Segoe UI',Roboto,'Helvetica Neue','Liberation "
    "Sans',"
    "Arial,sans-serif}\n"
    ".lead{font-weight:600}\n"
    "figcaption{margin:7px 2px 0;line-height:1.45}\n"
    ".none{border:1px dashed var(--line);border-radius:8px;padding:14px;color:var(--soft)}\n"
    ".scroll{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums;"
    "min-width:60%}\n"
    "th,td{text-align:right;padding:4px 11px;border-bottom:1px solid var(--line);"
    "white-space:nowrap;vertical-align:top}\n"
    "th{position:sticky;top:0;background:var(--paper);font-weight:600;border-bottom:2px solid "
    "var(--line);vertical-align:bottom}\n"
    "th small{font-weight:400;color:var(--soft);display:block}\n"
    "td.name,th.name{text-align:left}\n"
    "td.note{text-align:left;white-space:normal;min-width:22em;max-width:52em;overflow-wrap:"
    "anywhere;color:var(--soft)}\n"
    "tbody tr:nth-child(even){background:var(--wash)}\n"
    ".pass{color:var(--good)}.miss,.bad{color:var(--bad)}\n"
    "th button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer;"
    "text-align:inherit}\n"
    "th button{position:relative}th[aria-sort] "
    "button::after{position:absolute;right:-11px;bottom:0;font-size:10px}\n"
    "th[aria-sort=ascending] button::after{content:'\\25B4'}\n"
    "th[aria-sort=descending] button::after{content:'\\25BE'}\n"
    "summary{cursor:pointer;font-weight:600;margin:14px 0 8px}\n"
    "pre{background:var(--wash);border:1px solid var(--line);border-radius:8px;padding:12px "
    "14px;"
    "font:12px/1.45 ui-monospace,Consolas,'DejaVu Sans Mono',monospace;white-space:pre-wrap;"
    "overflow-wrap:anywhere;columns:2 360px;column-gap:28px}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 18px;font-size:13.5px;"
    "margin:0 0 12px}\n"
    "dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\n"
    "section>p.more:not(:first-child){margin-top:14px}ul{margin:4px 0 "
    "8px;padding-left:20px;font-size:13.5px}\n"
    "footer{color:var(--soft);font-size:12.5px;margin-top:30px}\n"
    "@media screen and (max-width:760px){.plates{grid-template-columns:1fr}main{padding:18px "
    "14px 40px}}\n";

static const char print_style[] =
    "@page{size:A4;margin:14mm 13mm}\n"
    "@media print{:root{--ink:#000;--soft:#444;--line:#bbb;--paper:#fff;--wash:#f4f4f4;"
    "--accent:#000;--good:#000;--bad:#000}"
    "body{font-size:10pt}main{max-width:none;padding:0}h1{font-size:16pt}h2{font-size:12.5pt;"
    "break-after:avoid;margin-top:16pt}.answer{font-size:11pt}.tile b{font-size:15pt}.tile "
    "span{font-size:8.5pt}.tile{padding:7px 10px}"
    ".tiles{grid-template-columns:repeat(4,1fr);gap:8px}"
    ".plates{gap:12px 14px}figcaption,.soft,.more{font-size:8.5pt}"
    "table{font-size:7.8pt;min-width:0}th,td{padding:2px 6px}th{position:static}"
    "td.note{min-width:14em}thead{display:table-header-group}tr{break-inside:avoid}"
    ".scroll{overflow:visible}pre{font-size:7.5pt;columns:2}footer{break-inside:avoid}}\n";

/* Click on a head: sort its table by it.  Without scripts the tables stand as they are. */
static const char script[] =
    "document.querySelectorAll('table').forEach(function(t){var "
    "b=t.tBodies[0],h=t.tHead.rows[0]"
    ".cells;Array.prototype.forEach.call(h,function(c,i){var "
    "k=document.createElement('button');"
    "k.type='button';while(c.firstChild)k.appendChild(c.firstChild);c.appendChild(k);"
    "k.addEventListener('click',function(){var "
    "d=c.getAttribute('aria-sort')==='ascending'?-1:1;"
    "Array.prototype.forEach.call(h,function(o){o.removeAttribute('aria-sort')});"
    "c.setAttribute('aria-sort',d>0?'ascending':'descending');"
    "var v=function(r){var x=r.cells[i],s=x.getAttribute('data-v');"
    "return s===null?x.textContent:s===''?null:Number(s)};"
    "Array.prototype.slice.call(b.rows).map(function(r){return[v(r),r]}).sort(function(x,y){"
    "if(x[0]===null||y[0]===null)return(x[0]===null)-(y[0]===null);"
    "return d*(x[0]<y[0]?-1:x[0]>y[0]?1:0)}).forEach(function(r){b.appendChild(r[1])})})})});";
#define SCRIPT_HASH "sha256-mAmWZh6HyE3bo0ygdPYegTMhBKm3Y0mj3i5DM3BK5eU="

static void put_head(const struct ow_page *page, FILE *to)
{
    const char *slash = page->s->path ? strrchr(page->s->path, '/') : NULL;
    const char *name = slash ? slash + 1 : page->s->path ? page->s->path : "sweep";
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "img-src data:; style-src 'unsafe-inline'; script-src '" SCRIPT_HASH "'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<link rel=\"icon\" href=\"data:,\">\n<title>",
          to);
    ow_page_text(to, name);
    fprintf(to,
            " \xe2\x80\x93 ohmweave "
            "report</title>\n<style>\n%s%s</style>\n</head>\n<body>\n<main>\n",
            style, print_style);
    fputs("<header>\n<p class=\"from\">ohmweave characterisation \xc2\xb7 ", to);
    ow_page_text(to, page->s->path);
    if (page->s->first_began[0]) {
        fputs(" \xc2\xb7 ", to);
        ow_page_text(to, page->s->first_began);
    }
    fputs("</p>\n<h1>", to);
    put_words(to, question, page);
    fputs("</h1>\n<p class=\"soft\">", to);
    fputs("Swept: ", to);
    put_words(to, swept, page);
    fputs(".<br>Task: ", to);
    put_words(to, task, page);
    if (page->s->limits.n > 0) {
        fputs("<br>Limits: ", to);
        put_words(to, limits, page);
        fputs(".", to);
    }
    fputs("</p>\n</header>\n", to);
}

/* ---- the answer -------------------------------------------------------------------- */

static void put_tile(FILE *to, const struct ow_survey *s, const char *title, const char *value,
                     size_t combo)
{
    char *text = NULL;
    size_t n;
    fputs("<div class=\"tile\"><span>", to);
    ow_page_text(to, title);
    fputs("</span><b>", to);
    ow_page_text(to, value);
    fputs("</b><span>", to);
    FILE *into = combo < s->n_combo ? open_memstream(&text, &n) : NULL;
    if (into) {
        ow_view_combination(s, combo, true, into);
        fclose(into);
        put_together(to, text);
        free(text);
    }
    fputs("</span></div>\n", to);
}

/* 12,345 */
static const char *count_text(size_t n, char text[32])
{
    char plain[32];
    const int length = snprintf(plain, sizeof plain, "%zu", n);
    int to = 0;
    for (int k = 0; k < length && to < 30; k++) {
        if (k > 0 && (length - k) % 3 == 0)
            text[to++] = ',';
        text[to++] = plain[k];
    }
    text[to] = '\0';
    return text;
}

static void put_count_tile(FILE *to, const struct ow_survey *s)
{
    const size_t n_done = s->count[OW_POINT_DONE], n_open = s->count[OW_POINT_OPEN];
    const size_t n_failed = s->n_row - n_done - n_open;
    char one[32], other[32];
    fprintf(to, "<div class=\"tile\"><span>points done</span><b>%s</b><span>",
            count_text(n_done, one));
    if (s->limits.n > 0)
        fprintf(to,
                "<span class=\"pass\">%s keep the limits</span><span class=\"miss\">%s miss "
                "one</span>",
                count_text(s->n_pass, one), count_text(s->n_miss, other));
    if (n_failed > 0)
        fprintf(to, "<span class=\"bad\">%s failed</span>", count_text(n_failed, one));
    if (n_open > 0)
        fprintf(to, "<span>%s not run yet</span>", count_text(n_open, one));
    if (n_failed == 0 && n_open == 0 && s->limits.n == 0)
        fputs("all of them", to);
    fputs("</span></div>\n", to);
}

static void put_answer(const struct ow_page *page, FILE *to)
{
    const struct ow_survey *s = page->s;
    const struct ow_answer a = ow_answer_find(s);
    char value[64], number[48], title[160];
    const char *among = a.n_passing > 0 ? " that keeps the limits" : "";
    fputs("<section>\n<p class=\"answer\"><span class=\"lead\">", to);
    put_words(to, lead, page);
    fputs("</span> ", to);
    put_words(to, rest, page);
    fputs("</p>\n<div class=\"tiles\">\n", to);
    if (a.largest < s->n_combo) {
        snprintf(value, sizeof value, "%g \xc3\x97 %g", a.rows, a.cols);
        snprintf(title, sizeof title, "%sarray%s", s->n_combo > 1 ? "largest " : "",
                 a.n_passing > 0   ? among
                 : s->limits.n > 0 ? " (none keeps the limits)"
                                   : "");
        put_tile(to, s, title, value, a.largest);
    }
    if (a.least_energy < s->n_combo) {
        const struct ow_measure *m = &s->figure[s->energy];
        snprintf(title, sizeof title, "%s%s", s->n_combo > 1 ? "least " : "", m->title);
        put_tile(to, s, title,
                 ow_words_value(ow_combo_spread(s, a.least_energy, s->energy).median, 3,
                                m->unit, number),
                 a.least_energy);
    }
    if (a.best_accuracy < s->n_combo) {
        const struct ow_measure *m = &s->figure[s->accuracy];
        snprintf(title, sizeof title, "%s%s", s->n_combo > 1 ? "best " : "", m->title);
        put_tile(to, s, title,
                 ow_words_value(ow_combo_spread(s, a.best_accuracy, s->accuracy).median, 3,
                                m->unit, number),
                 a.best_accuracy);
    }
    put_count_tile(to, s);
    fputs("</div>\n", to);
    if (s->errors.n > 0) {
        fputs("<p class=\"more\">Why points failed:</p>\n<ul>\n", to);
        for (size_t k = 0; k < s->errors.n && k < 3; k++) {
            fputs("<li>", to);
            ow_page_text(to, s->errors.text[k]);
            fputs("</li>\n", to);
        }
        if (s->errors.n > 3)
            fputs("<li>and others, in the table</li>\n", to);
        fputs("</ul>\n", to);
    }
    fputs("</section>\n", to);
}

/* ---- pictures ---------------------------------------------------------------------- */

static void put_plates(const struct ow_page *page, FILE *to)
{
    bool is_open = false;
    for (size_t k = 0; k < page->n_plate; k++) {
        const struct ow_plate *p = &page->plate[k];
        if (p->heading) {
            fprintf(to, "%s<section>\n<h2>", is_open ? "</div>\n</section>\n" : "");
            ow_page_text(to, p->heading);
            fputs("</h2>\n<div class=\"plates\">\n", to);
            is_open = true;
        }
        fprintf(to, "<figure%s>\n", p->is_wide ? " class=\"wide\"" : "");
        if (p->svg) {
            char prefix[32];
            snprintf(prefix, sizeof prefix, "f%zu", k);
            ow_gnuplot_put_inline(p->svg, prefix, to);
            fputs("<figcaption>", to);
            ow_page_text(to, p->caption);
            fputs("</figcaption>\n", to);
        } else {
            fputs("<div class=\"none\">", to);
            ow_page_text(to, p->caption);
            fputs("</div>\n", to);
        }
        fputs("</figure>\n", to);
    }
    if (is_open)
        fputs("</div>\n</section>\n", to);
}

static void put_warnings(const struct ow_page *page, FILE *to)
{
    if (json_array_size(page->warnings) == 0)
        return;
    fprintf(to, "<p class=\"more\">What the run of point %zu noted:</p>\n<ul>\n", page->point);
    for (size_t k = 0; k < json_array_size(page->warnings); k++) {
        fputs("<li>", to);
        ow_page_text(to, json_string_value(json_array_get(page->warnings, k)));
        fputs("</li>\n", to);
    }
    fputs("</ul>\n", to);
}

/* ---- provenance -------------------------------------------------------------------- */

static void put_row(FILE *to, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    fputs("<dt>", to);
    ow_page_text(to, name);
    fputs("</dt><dd>", to);
    ow_page_text(to, value);
    fputs("</dd>\n", to);
}

static void put_seen(FILE *to, const char *name, const struct ow_seen *seen)
{
    if (seen->n == 0)
        return;
    fputs("<dt>", to);
    ow_page_text(to, name);
    fputs("</dt><dd>", to);
    for (size_t k = 0; k < seen->n && k < OW_SURVEY_MAX_SEEN; k++) {
        fputs(k ? ", " : "", to);
        ow_page_text(to, seen->text[k]);
    }
    fputs(seen->n > OW_SURVEY_MAX_SEEN ? ", \xe2\x80\xa6</dd>\n" : "</dd>\n", to);
}

static void put_files(FILE *to, const char *text)
{
    json_t *files = text ? json_loads(text, 0, NULL) : NULL, *value;
    const char *name;
    json_object_foreach(files, name, value)
    {
        fputs("<dt>file</dt><dd>", to);
        ow_page_text(to, name);
        fputs(": ", to);
        ow_page_text(to, json_string_value(value));
        fputs(" (FNV-1a)</dd>\n", to);
    }
    json_decref(files);
}

static void put_axes(FILE *to, const struct ow_survey *s)
{
    for (size_t k = 0; k < s->n_axis; k++) {
        const struct ow_axis *a = &s->axis[k];
        fputs("<dt>", to);
        ow_page_text(to, a->name);
        fputs("</dt><dd>", to);
        for (size_t j = 0; j < a->n; j++) {
            if (a->n > 24 && j == 3) {
                fprintf(to, ", \xe2\x80\xa6 (%zu values)", a->n);
                j = a->n - 1;
            }
            fputs(j ? ", " : "", to);
            ow_page_text(to, a->text[j]);
        }
        if (a->zipped) {
            fputs("; with ", to);
            ow_page_text(to, a->zipped);
        }
        fputs("</dd>\n", to);
    }
}

static void put_provenance(const struct ow_page *page, FILE *to)
{
    const struct ow_survey *s = page->s;
    char text[96], cpu[32];
    fputs("<section>\n<h2>Where this comes from</h2>\n<dl>\n", to);
    put_row(to, "specification", s->path);
    put_row(to, "sweep begun", s->began);
    if (s->first_began[0]) {
        snprintf(text, sizeof text, "%s to %s", s->first_began, s->last_ended);
        put_row(to, "points run", text);
    }
    put_row(to, "machine", s->machine);
    put_seen(to, "hosts", &s->hosts);
    put_row(to, "ohmweave that swept", s->version);
    put_seen(to, "and that ran points", &s->versions);
    put_row(to, "ohmweave of this report", page->version);
    snprintf(text, sizeof text, "%s of processor time",
             ow_words_duration(s->cpu_s, "\xe2\x80\x93", cpu));
    if (s->peak_bytes > 0)
        snprintf(text, sizeof text,
                 "%s of processor time; a point took at most %.3g MB of memory", cpu,
                 1e-6 * (double)s->peak_bytes);
    put_row(to, "cost", text);
    put_axes(to, s);
    put_files(to, s->files);
    fputs("</dl>\n<p class=\"more\">What is in the figures: plugin/measure/README.md of "
          "ohmweave. "
          "Every point can be repeated to the last bit: ohmweave rerun STORE POINT.</p>\n",
          to);
    if (s->base) {
        fputs("<details><summary>The whole specification, as the first point has "
              "it</summary>\n<pre>",
              to);
        ow_page_text(to, s->base);
        fputs("</pre></details>\n", to);
    }
    fputs("</section>\n", to);
}

void ow_page_write(const struct ow_page *page, FILE *to)
{
    put_head(page, to);
    put_answer(page, to);
    put_plates(page, to);
    put_warnings(page, to);
    ow_page_tables(page->s, to);
    put_provenance(page, to);
    fprintf(to, "</main>\n<script>%s</script>\n</body>\n</html>\n", script);
}
