#include "walwrap/cli/help.hpp"

#include <fmt/format.h>

#include "walwrap/cli/ask_args.hpp"
#include "walwrap/config/settings.hpp"

namespace walwrap::cli {
namespace {

constexpr std::string_view kFirstScreen =
    "usage: walwrap [options] -- command [args...]\n"
    "\n"
    "Runs the command and replicates its SQLite database while it runs. If the\n"
    "database file does not exist, walwrap restores it first.\n"
    "\n"
    "  --db FILE           the app's SQLite database           [WALWRAP_DB]\n"
    "  --replica URL       s3://bucket/prefix or file:///dir   [WALWRAP_REPLICA]\n"
    "  --grace DURATION    time from stop signal to SIGKILL    [WALWRAP_GRACE]\n"
    "  --user USER         run the command as this user        [WALWRAP_USER]\n"
    "  --listen ADDR:PORT  serve API and dashboard over TCP    [WALWRAP_LISTEN]\n"
    "\n"
    "example: walwrap --db /data/app.db --replica s3://bucket/app -- ./app\n"
    "\n"
    "commands\n"
    "  run-beside run one more command while walwrap runs the service\n"
    "  restore    write the database, as stored, to a new file\n"
    "  status     print what is stored, the lag, and what is wrong\n"
    "  wait       wait until everything committed so far is stored\n"
    "  flush      store everything committed so far now\n"
    "  snapshot   store the whole database as one file\n"
    "  doctor     check platform, disk, database and replica before a start\n"
    "  help, version    `walwrap help run` lists all options and the exit codes\n";

constexpr std::string_view kRunHead =
    "usage: walwrap [options] -- command [args...]\n"
    "\n"
    "Each option is also an environment variable (in brackets) and a key of the TOML file.\n"
    "An option wins over the environment, the environment over the file.\n"
    "\n";
constexpr std::string_view kRunTail =
    "  -v, --verbose\n      same as --log-level debug\n"
    "  -q, --quiet\n      same as --log-level warn\n"
    "  -h, --help, --version\n      print the help, or the version\n"
    "\n"
    "exit codes: the command's own, or 128 + signal; 74: the command exited with 0, but not\n"
    "  everything is stored; 75: the database was handed over, and no walwrap has it now;\n"
    "  125: walwrap refused to start it (the message says why); 126, 127: the command cannot be\n"
    "  run\n";

}  // namespace

std::string format_help(std::string_view topic) {
  if (topic.empty()) return std::string(kFirstScreen);
  if (topic == "run") {
    return fmt::format("{}{}{}", kRunHead, config::format_settings_help(), kRunTail);
  }
  if (topic == "run-beside") {
    return "usage: walwrap run-beside [options] -- command [args...]\n\n"
           "Runs a command, such as a migration or a shell, beside the walwrap that has the\n"
           "database on this disk. That walwrap continues, and replicates what the command "
           "writes.\n"
           "WALWRAP_SOCKET is set for the command, so it can wait until that is stored.\n\n"
           "exit codes: the command's own, or 128 + signal; 125: no walwrap runs; 126, 127: the\n"
           "  command cannot be run\n";
  }
  if (topic == "restore") {
    return "usage: walwrap restore --replica URL --output FILE [options]\n\n"
           "Restores the database to FILE and checks it. FILE appears only if every check passes.\n"
           "\noptions\n" +
           format_rows(kRestoreOptions) +
           "\nexit codes: 0 restored; 1 not restored: no such state, or FILE exists; 2 usage;\n"
           "  3 the store cannot be reached, or denies access; 4 the stored data is damaged\n";
  }
  if (topic == "doctor") {
    return "usage: walwrap doctor [--json] [--db FILE] [--replica URL] [options of run]\n\n"
           "Checks the platform, the disk, the database and the replica as a start would find\n"
           "them, and prints each problem with a hint. Writes one small object to the replica and\n"
           "deletes it again; changes nothing else.\n\n"
           "exit codes: 0 no problem; 1 a problem; 2 usage\n";
  }
  if (const auto question = parse_question(topic)) return format_ask_help(*question);
  if (topic == "help") return "usage: walwrap help [command]\n";
  if (topic == "version") return "usage: walwrap version\n";
  return {};
}

}  // namespace walwrap::cli
