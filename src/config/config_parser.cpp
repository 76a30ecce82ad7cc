#include "walwrap/config/config_parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "walwrap/config/paths.hpp"
#include "walwrap/config/quote.hpp"
#include "walwrap/config/settings.hpp"
#include "walwrap/config/toml_file.hpp"

namespace walwrap::config {
namespace {

// From low to high precedence.
enum class Rank { Toml, Environment, Flag };

struct Given {
  std::string value;
  std::string where;  // "--grace", "environment WALWRAP_GRACE", "/etc/walwrap.toml, line 3"
  Rank rank = Rank::Toml;
};

struct GivenDatabase {
  std::string path;
  std::optional<std::string> replica;
  std::string where;
  Rank rank = Rank::Toml;
};

// The values of all sources, before it is decided which one counts.
struct Collected {
  std::map<std::string_view, std::vector<Given>> by_flag;  // of each setting; the last one counts
  std::vector<GivenDatabase> tables;                       // [[database]]
};

constexpr std::string_view kPrefix = "WALWRAP_";
// walwrap's own for the app, and one that images often set for their builds.
constexpr std::array<std::string_view, 1> kForeignVariables = {"WALWRAP_VERSION"};

// Kubernetes gives each container variables for the services of its namespace. A service called
// "walwrap-demo" must not prevent the start.
bool is_kubernetes_service(std::string_view name) {
  const auto ends_with = [&](std::string_view end) {
    return name.size() >= end.size() && name.substr(name.size() - end.size()) == end;
  };
  return ends_with("_SERVICE_HOST") || ends_with("_SERVICE_PORT") || ends_with("_PORT") ||
         name.find("_SERVICE_PORT_") != std::string_view::npos ||
         (name.find("_PORT_") != std::string_view::npos &&
          (name.find("_TCP") != std::string_view::npos ||
           name.find("_UDP") != std::string_view::npos));
}

template <typename Field>
std::optional<std::string_view> nearest_setting(std::string_view word, Field field) {
  std::vector<std::string_view> known;
  for (const Setting& row : settings()) {
    if (!(row.*field).empty()) known.push_back(row.*field);
  }
  return nearest(word, known);
}

template <typename Field>
const Setting* find_setting(std::string_view word, Field field) {
  const auto rows = settings();
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [&](const Setting& setting) { return setting.*field == word; });
  return row == rows.end() || word.empty() ? nullptr : &*row;
}

std::string suggestion(const std::optional<std::string_view>& near) {
  return near ? fmt::format("; did you mean {}?", *near) : "; `walwrap help` lists the known ones";
}

std::string shown(std::string_view name, std::string_view value) {
  return sounds_secret(name) ? "***" : quote_value(value);
}

// "database[2].path" -> "path".
std::optional<std::string_view> database_member(std::string_view key) {
  constexpr std::string_view kTable = "database[";
  const auto close = key.find("].");
  if (key.substr(0, kTable.size()) != kTable || close == std::string_view::npos) return {};
  return key.substr(close + 2);
}

Problem check_type(Kind kind, TomlType type) {
  switch (kind) {
    case Kind::Text:
    case Kind::Duration:
    case Kind::Choice:
      if (type != TomlType::Text) return "must be a string in double quotes";
      return std::nullopt;
    case Kind::Size:
      if (type != TomlType::Text && type != TomlType::Integer) return "must be a size";
      return std::nullopt;
    case Kind::Integer:
      if (type != TomlType::Integer) return "must be a number without quotes";
      return std::nullopt;
    case Kind::Switch:
      if (type != TomlType::Switch) return "must be true or false, without quotes";
      return std::nullopt;
  }
  return std::nullopt;
}

Failure bad_value(std::string_view key, std::string_view value, std::string_view where,
                  std::string_view problem) {
  return fail(Code::Invalid, "{}: {} from {} {}", key, quote_value(value), where, problem);
}

Result<void> collect_database_member(const TomlValue& value, std::string_view member,
                                     std::string_view where, Collected& out,
                                     std::map<std::string, std::size_t>& index_of) {
  if (member != "path" && member != "replica") {
    constexpr std::array<std::string_view, 2> kMembers = {"path", "replica"};
    const auto near = nearest(member, kMembers);
    return fail(Code::Invalid, "{}: unknown key {} ({}){}", where, value.key,
                shown(value.key, value.text),
                near ? suggestion(near) : "; a database has a path and a replica");
  }
  if (value.type != TomlType::Text || value.text.empty()) {
    return bad_value(value.key, value.text, where, "must be a string in double quotes, not empty");
  }
  const auto table = value.key.substr(0, value.key.find(']') + 1);
  const auto [entry, is_new] = index_of.try_emplace(table, out.tables.size());
  if (is_new) out.tables.push_back({"", std::nullopt, std::string(where), Rank::Toml});
  auto& database = out.tables[entry->second];
  (member == "path" ? database.path : database.replica.emplace()) = value.text;
  return {};
}

Result<void> collect_toml(const Sources& sources, Collected& out) {
  const auto values = TRY(parse_toml(sources.toml_text).context(sources.toml_path));
  std::map<std::string, std::size_t> index_of;
  for (const TomlValue& value : values) {
    const auto where = fmt::format("{}, line {}", sources.toml_path, value.line);
    if (const auto member = database_member(value.key)) {
      TRY(collect_database_member(value, *member, where, out, index_of));
      continue;
    }
    const Setting* row = find_setting(value.key, &Setting::key);
    if (row == nullptr) {
      return fail(Code::Invalid, "{}: unknown key {} ({}){}", where, value.key,
                  shown(value.key, value.text),
                  suggestion(nearest_setting(value.key, &Setting::key)));
    }
    if (const auto problem = check_type(row->kind, value.type)) {
      return bad_value(row->key, value.text, where, *problem);
    }
    if (value.text.empty()) return bad_value(row->key, value.text, where, "is empty");
    out.by_flag[row->flag].push_back({value.text, where, Rank::Toml});
  }
  for (const GivenDatabase& database : out.tables) {
    if (database.path.empty()) {
      return fail(Code::Invalid, "{}: this [[database]] has no path", database.where);
    }
  }
  return {};
}

Result<void> collect_environment(const Sources& sources, Collected& out) {
  for (const auto& [name, value] : sources.environment) {
    if (std::string_view(name).substr(0, kPrefix.size()) != kPrefix) continue;
    const Setting* row = find_setting(name, &Setting::environment);
    if (row != nullptr) {
      if (value.empty()) continue;
      out.by_flag[row->flag].push_back({value, "environment " + name, Rank::Environment});
      continue;
    }
    const bool foreign = std::find(kForeignVariables.begin(), kForeignVariables.end(), name) !=
                             kForeignVariables.end() ||
                         is_kubernetes_service(name);
    if (foreign) continue;
    return fail(Code::Invalid, "environment {} ({}): unknown setting{}", name, shown(name, value),
                suggestion(nearest_setting(name, &Setting::environment)));
  }
  return {};
}

Result<void> collect_flags(const Sources& sources, Collected& out) {
  for (const auto& [flag, value] : sources.flags) {
    const Setting* row = find_flag(flag);
    if (row == nullptr) return fail(Code::Invalid, "{}", describe_unknown_flag(flag));
    out.by_flag[row->flag].push_back({value, flag, Rank::Flag});
  }
  return {};
}

// "FILE=URL" is split at the first '=' before a URL or an absolute path, so that a path may contain
// '=' and a URL a query.
GivenDatabase split_pair(const Given& given) {
  const std::string_view text = given.value;
  for (auto equals = text.find('='); equals != std::string_view::npos;
       equals = text.find('=', equals + 1)) {
    const auto after = text.substr(equals + 1);
    const auto scheme = after.substr(0, after.find("://"));
    const bool is_url = scheme.size() < after.size() && !scheme.empty() &&
                        scheme.find_first_of("/?=") == std::string_view::npos;
    if (is_url || after.substr(0, 1) == "/") {
      return {std::string(text.substr(0, equals)), std::string(after), given.where, given.rank};
    }
  }
  return {given.value, std::nullopt, given.where, given.rank};
}

// The databases of the highest source that names any.
Result<std::vector<GivenDatabase>> winning_databases(const Collected& collected) {
  const auto found = collected.by_flag.find("--db");
  std::vector<GivenDatabase> winners;
  if (found != collected.by_flag.end()) {
    for (const Given& given : found->second) {
      if (!winners.empty() && winners.back().rank < given.rank) winners.clear();
      winners.push_back(split_pair(given));
    }
  }
  if (winners.empty()) return collected.tables;
  if (winners.back().rank == Rank::Toml && !collected.tables.empty()) {
    return fail(Code::Invalid, "db: {} and [[database]] ({}); name all databases in one place",
                winners.back().where, collected.tables.front().where);
  }
  return winners;
}

Result<void> check_distinct(const std::vector<Database>& databases) {
  if (databases.size() > kMaxDatabases) {
    return fail(Code::Invalid, "db: {} databases, more than {}", databases.size(), kMaxDatabases);
  }
  const auto without_slash = [](std::string_view url) {
    while (url.size() > 1 && url.back() == '/') url.remove_suffix(1);
    return url;
  };
  for (std::size_t i = 0; i < databases.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (databases[i].path == databases[j].path) {
        return fail(Code::Invalid, "db: {} is given twice", quote_value(databases[i].path));
      }
      if (!databases[i].replica.empty() &&
          without_slash(databases[i].replica) == without_slash(databases[j].replica)) {
        return fail(Code::Invalid, "replica: {} is given for two databases; each needs its own",
                    quote_value(databases[i].replica));
      }
    }
  }
  return {};
}

// The database's real path. `replica` may come from another source than the path.
Result<Database> database_of(const GivenDatabase& given, const std::optional<Given>& replica) {
  auto path = parse_database_path(given.path);
  if (!path) return bad_value("db", given.path, given.where, path.error().text);
  if (!replica) return Database{*std::move(path), ""};
  if (const auto problem = check_replica(replica->value)) {
    return bad_value("replica", replica->value, replica->where, *problem);
  }
  return Database{*std::move(path), replica->value};
}

Result<std::vector<Database>> decide_databases(const Collected& collected) {
  const auto winners = TRY(winning_databases(collected));
  std::optional<Given> replica;
  if (const auto found = collected.by_flag.find("--replica"); found != collected.by_flag.end()) {
    replica = found->second.back();
  }
  if (winners.empty()) {
    if (!replica) return std::vector<Database>{};
    return fail(Code::Invalid, "replica: {} from {} has no database; add --db FILE",
                quote_value(replica->value), replica->where);
  }
  // A --replica overrides pairs of a lower source, if its database is clear. Pairs of a higher
  // source override it.
  const Rank rank = winners.front().rank;
  std::vector<Database> databases;
  for (const GivenDatabase& winner : winners) {
    if (winners.size() > 1 && !winner.replica) {
      return bad_value("db", winner.path, winner.where,
                       "has no replica; with several databases write FILE=URL for each");
    }
    if (replica && winner.replica && replica->rank >= rank &&
        (winners.size() > 1 || replica->rank == rank)) {
      return bad_value("replica", replica->value, replica->where,
                       fmt::format("is not allowed: {} names its own replica", winner.where));
    }
    const bool own = winner.replica && !(replica && replica->rank > rank);
    auto database =
        TRY(database_of(winner, own ? Given{*winner.replica, winner.where, winner.rank} : replica));
    databases.push_back(std::move(database));
  }
  TRY(check_distinct(databases));
  return databases;
}

}  // namespace

Result<Config> parse_config(const Sources& sources) {
  Collected collected;
  if (!sources.toml_path.empty()) TRY(collect_toml(sources, collected));
  TRY(collect_environment(sources, collected));
  TRY(collect_flags(sources, collected));

  Config config;
  for (const Setting& row : settings()) {
    if (row.apply == nullptr) continue;
    if (!row.default_text.empty()) WW_CHECK(!row.apply(config, row, row.default_text));
    const auto found = collected.by_flag.find(row.flag);
    if (found == collected.by_flag.end()) continue;
    const Given& given = found->second.back();
    if (const auto problem = row.apply(config, row, given.value)) {
      return bad_value(row.key, given.value, given.where, *problem);
    }
  }
  config.databases = TRY(decide_databases(collected));
  return config;
}

ConfigFile config_file(const std::vector<FlagValue>& flags, const Environment& environment) {
  const auto flag = std::find_if(flags.rbegin(), flags.rend(),
                                 [](const FlagValue& given) { return given.flag == "--config"; });
  if (flag != flags.rend()) return {flag->value, true};
  const auto variable = environment.find("WALWRAP_CONFIG");
  if (variable != environment.end() && !variable->second.empty()) return {variable->second, true};
  return {std::string(kDefaultConfigFile), false};
}

Environment parse_environment(const std::vector<std::string>& entries) {
  Environment environment;
  for (const std::string& entry : entries) {
    const auto equals = entry.find('=');
    if (equals == std::string::npos) continue;
    environment.try_emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return environment;
}

}  // namespace walwrap::config
