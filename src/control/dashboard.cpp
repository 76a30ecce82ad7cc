#include "walwrap/control/dashboard.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "walwrap/base/human.hpp"
#include "walwrap/base/text.hpp"
#include "walwrap/control/charts.hpp"
#include "walwrap/control/status_json.hpp"

namespace walwrap::control {
namespace {

constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--page:#fcfcfb;--card:#fff;--ink:#1c1b1a;--soft:#5d5b57;
--rule:#e3e1dc;--line:#2a78d6;--good:#1a7f37;--bad:#c0362c}
@media(prefers-color-scheme:dark){:root{--page:#161615;--card:#1f1f1d;--ink:#eceae6;
--soft:#a3a099;--rule:#383733;--line:#6aa5ef;--good:#4cc26d;--bad:#f2786e}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:56rem;margin:0 auto;padding:1rem}
header{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:baseline;color:var(--soft)}
h1{font-size:1.1rem;margin:0;color:var(--ink)}
section{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:1rem;
margin:1rem 0}
h2{font-size:1rem;margin:0;overflow-wrap:anywhere}
h3{font-size:.85rem;margin:1.25rem 0 .4rem;color:var(--soft);font-weight:600}
.state{font-size:1.25rem;margin:.5rem 0;border-left:4px solid var(--good);padding-left:.75rem}
.state.bad{border-color:var(--bad)}
.state b{color:var(--good)}.state.bad b{color:var(--bad)}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.75rem 1rem;margin:0}
dt{font-size:.8rem;color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
svg{display:block;width:100%;overflow:visible}
svg.lag{height:120px;border-bottom:1px solid var(--rule)}svg.points{height:36px}
.grid{stroke:var(--rule);vector-effect:non-scaling-stroke}
.line{fill:none;stroke:var(--line);stroke-width:2;vector-effect:non-scaling-stroke;
stroke-linejoin:round}
.tip{fill:transparent}.tip:hover{fill:var(--rule)}
.span{fill:var(--line);opacity:.25}.point{fill:var(--line)}.hit{fill:transparent}
svg a:hover .point,svg a:focus .point{fill:var(--ink)}
.axis span:last-child:not(:first-child){text-align:right}
.axis{display:flex;justify-content:space-between;gap:1rem;font-size:.75rem;color:var(--soft)}
code{font:.85rem/1.4 ui-monospace,monospace;background:var(--page);border:1px solid var(--rule);
border-radius:4px;padding:.4rem .6rem;display:block;overflow-x:auto;white-space:pre-wrap;
overflow-wrap:anywhere}
.command{display:none;margin:.5rem 0}.command:target{display:block}
.command p,.hint{margin:.3rem 0;font-size:.85rem;color:var(--soft)}
.commands:has(.command:target) .hint{display:none}
details ol{max-height:14rem;overflow:auto;font-size:.85rem}a{color:var(--line)}
)css";

std::string item(std::string_view name, const std::string& value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, escape_html(value));
}

std::string format_short(std::chrono::milliseconds duration) {
  return duration.count() == 0 ? "under 1ms" : format_duration(duration);
}

std::string behind_of(const DatabaseStatus& database) {
  const auto commits = commits_behind(database.progress);
  if (commits == 0 && database.status.lag_bytes == 0) return "nothing";
  return fmt::format("{} commit{}, {}", commits, commits == 1 ? "" : "s",
                     format_bytes(database.status.lag_bytes));
}

std::string errors_of(const replication::ReplicatorStatus& status) {
  std::string text;
  for (std::size_t i = 0; i < storage::kStoreErrors.size(); ++i) {
    if (status.store.errors[i] == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", status.store.errors[i],
                        storage::kStoreErrors[i]);
  }
  return text.empty() ? "none" : text;
}

std::string requests_of(const replication::ReplicatorStatus& status) {
  std::uint64_t all = 0;
  for (const auto count : status.store.requests) all += count;
  if (all == 0) return "none billed";
  if (!status.request_dollars) return fmt::format("{}", all);
  return fmt::format("{}, about ${:.4f}", all, *status.request_dollars);
}

std::string figures_of(const DatabaseStatus& database, WallTime now) {
  const auto& status = database.status;
  const auto snapshot = newest_snapshot(database);
  std::string out = "<dl>";
  out += item("Last stored",
              status.stored_at ? format_age(*status.stored_at, now) : "nothing since the start");
  out += item("Not stored yet", behind_of(database));
  out += item("Last upload took", format_short(status.last_put));
  out += item("Uploads", fmt::format("{}, {}", status.uploads.took.count(),
                                     format_bytes(status.uploads.bytes)));
  out += item("Over the last minute", format_rate(database.throughput.bytes_per_second));
  out += item("Store errors", errors_of(status));
  out += item("Requests", requests_of(status));
  out += item("WAL file", format_bytes(database.wal_bytes));
  out += item("Final flush would take", format_short(predict_flush(status)));
  out += item("Newest snapshot",
              snapshot.txid.value == 0 ? "none known" : format_age(snapshot.stored_at, now));
  out += item("Other writers", fmt::format("fencing {}", format_fencing(status.fencing)));
  out += item("Replica", database.replica);
  return out + "</dl>";
}

std::string command_of(const DatabaseStatus& database, const replication::RestorePoint& point,
                       const std::string& prefix) {
  const auto command = fmt::format("walwrap restore --replica {} --output restored.db --txid {}",
                                   quote_for_shell(database.replica), point.txid);
  return fmt::format(
      "<div class=\"command\" id=\"{}{}\"><p>As stored at {}, into a new file:</p>"
      "<code>{}</code></div>",
      prefix, point.txid, format_clock(point.time), escape_html(command));
}

std::string points_of(const DatabaseStatus& database, const std::string& prefix) {
  if (!database.points_error.empty()) {
    return fmt::format("<p class=\"hint\">The replica could not be listed: {}</p>",
                       escape_html(database.points_error));
  }
  if (!database.points) {
    return "<p class=\"hint\">The replica is being listed; reload this page in a moment.</p>";
  }
  const auto& found = *database.points;
  if (found.some.empty()) return "<p class=\"hint\">Nothing can be restored yet.</p>";
  std::string commands;
  std::string list;
  for (const auto& point : found.some) {
    commands += command_of(database, point, prefix);
    list += fmt::format("<li><a href=\"#{}{}\">{}</a></li>", prefix, point.txid,
                        format_clock(point.time));
  }
  std::uint64_t all = 0;
  for (const auto& span : found.spans) all += span.points;
  return fmt::format(
      "{}<div class=\"axis\"><span>{}</span><span>{}</span></div><div class=\"commands\">"
      "<p class=\"hint\">{}. Choose one to see the command.</p>{}</div>"
      "<details><summary>As a list</summary><ol>{}</ol></details>",
      draw_points(found, prefix), format_clock(found.spans.front().from),
      format_clock(found.spans.back().to),
      all == 1 ? "One point in time" : fmt::format("{} points in time", all), commands, list);
}

std::string section_of(const DatabaseStatus& database, const History& history,
                       const PageInput& input, std::size_t index) {
  const bool ok = database.replicated && database.health.ok;
  const auto lag = draw_lag(history, input.now_mono, input.now);
  const auto prefix = fmt::format("d{}-", index);
  return fmt::format(
      "<section><h2>{}</h2><p class=\"state{}\"><b>{}</b> {}</p>{}"
      "<h3>Lag over the last hour: {}</h3><div class=\"axis\"><span>{}</span></div>{}"
      "<div class=\"axis\"><span>60 min ago</span><span>30 min</span><span>now</span></div>"
      "<h3>Points in time you can restore</h3>{}</section>",
      escape_html(database.path), ok ? "" : " bad", ok ? "Healthy." : "Unhealthy.",
      escape_html(sentence_of(database, input.now)), figures_of(database, input.now), lag.summary,
      lag.top, lag.svg, points_of(database, prefix));
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string sentence_of(const DatabaseStatus& database, WallTime now) {
  if (!database.replicated) return "The database is not replicated: " + database.reason;
  if (!database.progress.halted.empty()) return "Nothing is stored: " + database.progress.halted;
  if (!database.health.ok) return "Writes are not stored: " + database.health.reason;
  if (database.status.waits_since) {
    const std::string& reason = database.status.error;
    return "Nothing is stored until walwrap can attach to the database" +
           (reason.empty() ? "." : ": " + reason);
  }
  if (!database.status.attached) return "The database does not exist yet; walwrap waits for it.";
  if (!database.status.error.empty()) {
    return "The store does not answer; walwrap retries: " + database.status.error;
  }
  const auto commits = commits_behind(database.progress);
  if (commits == 0 && database.status.lag_bytes == 0) {
    if (!database.status.stored_at) return "Everything that was written is stored.";
    return fmt::format("Everything that was written is stored, the last write {}.",
                       format_age(*database.status.stored_at, now));
  }
  return fmt::format("Not stored yet: {}, the oldest written {} ago.", behind_of(database),
                     format_duration(database.health.lag));
}

Answer answer_page(const PageInput& input) {
  const Status& status = input.status;
  std::string sections;
  for (std::size_t i = 0; i < status.databases.size(); ++i) {
    sections += section_of(status.databases[i], *input.histories[i], input, i);
  }
  const auto nonce = fmt::format("{}", input.nonce);
  Answer answer{.content_type = "text/html; charset=utf-8",
                .body = fmt::format(
                    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                    "<meta http-equiv=\"refresh\" content=\"10\"><title>walwrap</title>"
                    "<style nonce=\"{}\">{}</style></head><body><main><header><h1>walwrap {}</h1>"
                    "<span>on {}, {} to stop</span><span>{}{}</span></header>{}</main></body>"
                    "</html>\n",
                    nonce, kStyle, escape_html(status.version), escape_html(status.platform),
                    format_duration(status.grace), format_clock(input.now),
                    status.stopping ? ", stopping" : "", sections)};
  answer.headers["Content-Security-Policy"] = fmt::format(
      "default-src 'none'; style-src 'nonce-{}'; base-uri 'none'; form-action 'none'; "
      "frame-ancestors 'none'",
      nonce);
  answer.headers["Referrer-Policy"] = "no-referrer";
  return answer;
}

}  // namespace walwrap::control
