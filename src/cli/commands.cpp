#include "walwrap/cli/commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "walwrap/base/signal_name.hpp"
#include "walwrap/cli/args.hpp"
#include "walwrap/cli/ask_command.hpp"
#include "walwrap/cli/doctor_command.hpp"
#include "walwrap/cli/help.hpp"
#include "walwrap/cli/restore_command.hpp"
#include "walwrap/config/config_parser.hpp"
#include "walwrap/daemon/api.hpp"
#include "walwrap/daemon/handover.hpp"
#include "walwrap/daemon/places.hpp"
#include "walwrap/daemon/replicator_process.hpp"
#include "walwrap/daemon/wiring.hpp"
#include "walwrap/os/console.hpp"
#include "walwrap/os/resolve.hpp"
#include "walwrap/os/rights.hpp"
#include "walwrap/supervisor/init.hpp"

namespace walwrap::cli {
namespace {

int complain(std::string_view text, int exit_code) {
  os::write_stderr(fmt::format("walwrap: {}\n", text));
  return exit_code;
}

// What a start will do although the user may not intend it.
void warn_of_places(const std::vector<replication::ReplicatorOptions>& databases,
                    std::string_view platform, const Log& log) {
  for (const auto& options : databases) {
    const auto& location = options.location;
    if (location.kind == storage::StoreKind::File &&
        daemon::is_on_container_disk(location.root, "/", platform)) {
      log.warn("the replica is on the container's own disk and is lost with the container",
               {{"db", options.database.string()},
                {"replica", location.url},
                {"hint", "mount a volume for it, or use s3://bucket/prefix"}});
    }
    const auto names = os::count_names(options.database);
    if (names > 1) {
      log.warn("the database has several names (hard links), and only this one is replicated",
               {{"db", options.database.string()},
                {"names", names},
                {"hint", "SQLite needs one name: open the database under this name only"}});
    }
    if (os::is_mount_point(options.database)) {
      log.warn("the database is mounted as a file, so its -wal is on another disk",
               {{"db", options.database.string()}, {"hint", "mount its directory"}});
    }
  }
}

// A stop signal during a command: the command ends in order and leaves nothing behind.
class StopSignals {
 public:
  explicit StopSignals(os::SignalReader reader) : reader_(std::move(reader)) {}

  // 0: no signal so far. Any thread may ask.
  int received() {
    constexpr std::array<std::string_view, 4> kStops = {"TERM", "INT", "HUP", "QUIT"};
    const std::lock_guard lock(mutex_);
    for (const os::ReceivedSignal& signal : reader_.take()) {
      const bool stops = std::any_of(kStops.begin(), kStops.end(), [&](std::string_view name) {
        return parse_signal(name) == signal.number;
      });
      if (stops && number_ == 0) number_ = signal.number;
    }
    return number_;
  }

 private:
  std::mutex mutex_;
  os::SignalReader reader_;
  int number_ = 0;
};

}  // namespace

int execute(const RunArguments& arguments, const Process& process) {
  const auto environment = config::parse_environment(process.environment);
  auto config = daemon::load_config(arguments.flags, environment);
  if (!config) return complain(config.error().text, kExitConfiguration);
  auto options = daemon::init_options(*config, environment);
  if (!options) return complain(options.error().text, kExitConfiguration);
  auto databases =
      daemon::replicator_options(*config, options->platform.start_timeout, environment);
  if (!databases) return complain(databases.error().text, kExitConfiguration);

  auto api = daemon::api_options(*config, options->platform);
  if (!api) return complain(api.error().text, kExitConfiguration);
  if (options->user) api->owner = {options->user->uid, options->user->gid};
  const RandomId run{os::random_u64()};
  for (auto& database : *databases) {
    database.run = run;
    database.owner = api->owner;
  }

  // Its lines are in the way of the output of one command.
  if (arguments.beside && config->log_level == LogLevel::Info) config->log_level = LogLevel::Warn;
  const Log log = daemon::make_log(*config, process.clock);
  if (!arguments.beside) warn_of_places(*databases, options->platform.name, log);
  options->command = arguments.command;
  options->environment = daemon::app_environment(*config, process.environment, api->socket);
  if (arguments.beside) {
    if (databases->empty()) {
      return complain("run-beside needs the database of the walwrap to run beside: set WALWRAP_DB",
                      kExitConfiguration);
    }
    if (!daemon::is_answering(api->socket)) {
      return complain(
          fmt::format("no walwrap runs for {} (none answers at {}), so nothing would be "
                      "stored. Start the service first, or run this command as one: "
                      "walwrap -- COMMAND",
                      databases->front().database.string(), api->socket.string()),
          kExitConfiguration);
    }
    databases->clear();
  } else if (databases->empty()) {
    log.warn("no replica configured, nothing is stored; set --db and --replica");
    if (api->listen) log.warn("--listen ignored: no database is configured");
  } else {
    const control::Newcomer newcomer{control::describe_command(arguments.command),
                                     config->take_over};
    api->self = {newcomer.command, os::host_name(), process.clock.wall()};
    for (auto& database : *databases) {
      database.ask_owner = [socket = api->socket, newcomer](replication::AskFor what) {
        auto asking = newcomer;
        asking.asks_only = what == replication::AskFor::Consent;
        return daemon::ask_owner(socket, asking);
      };
    }
    options->replicator_main = [&](supervisor::Channel channel, supervisor::AtFork at_fork,
                                   std::uint64_t restarts) {
      api->restarts = restarts;
      return daemon::replicate(*databases, *api, std::move(channel), at_fork, process.clock, log);
    };
  }
  return supervisor::run_init(*options, {process.signals, process.inherited}, process.clock, log);
}

int execute(const RestoreArguments& arguments, const Process& process) {
  auto reader = os::SignalReader::create();
  if (!reader) return complain(reader.error().text, kExitNotSo);
  StopSignals signals(*std::move(reader));
  const Log log = daemon::make_log({}, process.clock);
  auto progress = os::is_stderr_a_terminal() ? Progress::Style::Bar : Progress::Style::Lines;
  if (arguments.quiet) progress = Progress::Style::None;
  const int exit_code =
      restore_to_file(arguments, {.clock = process.clock,
                                  .log = log,
                                  .say = [](std::string_view text) { os::write_stderr(text); },
                                  .cancelled = [&] { return signals.received() != 0; },
                                  .environment = config::parse_environment(process.environment),
                                  .progress = progress});
  const int stopped_by = signals.received();
  return exit_code != 0 && stopped_by != 0 ? 128 + stopped_by : exit_code;
}

int execute(const DoctorArguments& arguments, const Process& process) {
  auto reader = os::SignalReader::create();
  if (!reader) return complain(reader.error().text, kExitNotSo);
  StopSignals signals(*std::move(reader));
  const Log silent({.now = {}, .sink = {}});  // the findings have everything worth knowing
  const int exit_code =
      examine(arguments, {.clock = process.clock,
                          .log = silent,
                          .say = [](std::string_view text) { os::write_stdout(text); },
                          .complain = [](std::string_view text) { os::write_stderr(text); },
                          .cancelled = [&] { return signals.received() != 0; },
                          .environment = config::parse_environment(process.environment)});
  const int stopped_by = signals.received();
  return stopped_by != 0 ? 128 + stopped_by : exit_code;
}

int execute(const AskArguments& arguments, const Process& process) {
  auto reader = os::SignalReader::create();
  if (!reader) return complain(reader.error().text, kExitNotSo);
  StopSignals signals(*std::move(reader));
  const int exit_code =
      ask(arguments, {.clock = process.clock,
                      .say = [](std::string_view text) { os::write_stdout(text); },
                      .complain = [](auto text) { os::write_stderr(text); },
                      .cancelled = [&] { return signals.received() != 0; },
                      .full_screen = os::is_stdout_a_terminal(),
                      .environment = config::parse_environment(process.environment)});
  const int stopped_by = signals.received();
  return stopped_by != 0 && !arguments.watch ? 128 + stopped_by : exit_code;
}

int execute(const HelpArguments& arguments, const Process& /*process*/) {
  return os::write_stdout(format_help(arguments.topic)) ? 0 : kExitNotSo;
}

int execute(const VersionArguments& /*arguments*/, const Process& /*process*/) {
  return os::write_stdout("walwrap " WALWRAP_VERSION "\n") ? 0 : kExitNotSo;
}

int execute(const UsageError& error, const Process& /*process*/) {
  return complain(error.text, error.exit_code);
}

}  // namespace walwrap::cli
