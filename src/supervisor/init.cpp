#include "walwrap/supervisor/init.hpp"

#include <algorithm>
#include <csignal>
#include <optional>
#include <system_error>
#include <utility>

#include "walwrap/base/check.hpp"
#include "walwrap/os/cgroup.hpp"
#include "walwrap/os/directory_lock.hpp"
#include "walwrap/os/memory.hpp"
#include "walwrap/os/poller.hpp"
#include "walwrap/os/privileges.hpp"
#include "walwrap/os/process.hpp"
#include "walwrap/os/spawn.hpp"
#include "walwrap/supervisor/notifier.hpp"

namespace walwrap::supervisor {

namespace {

constexpr std::uint64_t kSignals = 0, kChannel = 1;  // tokens of the poller

// The replicator touches only their files, and init signals only the app.
constexpr auto kReplicatorNeeds = {os::Capability::Chown, os::Capability::DacOverride,
                                   os::Capability::Fowner};
constexpr auto kInitNeeds = {os::Capability::Kill, os::Capability::Chown,
                             os::Capability::DacOverride, os::Capability::Fowner};

Rules rules_of(const InitOptions& options) {
  Rules rules = options.rules;
  rules.replicates = static_cast<bool>(options.replicator_main);
  rules.pid_1 = os::is_pid_1();
  rules.platform_signals_every_process = options.platform.signals_every_process;
  rules.grace = options.platform.grace;
  return rules;
}

void give_up_capabilities(std::initializer_list<os::Capability> kept, const Log& log) {
  const auto given_up = os::keep_capabilities(kept);
  if (!given_up) log.debug("capabilities not dropped", {{"reason", given_up.error().text}});
}

event::AppNotStarted not_started(const os::SpawnError& failed, const std::string& program) {
  const auto why = std::generic_category().message(failed.error_number);
  if (failed.step == os::SpawnStep::Execute) {
    return {fmt::format("{}: {}", program, why), failed.as_shell_code()};
  }
  return {
      fmt::format("cannot switch to the user of --user: {}; start walwrap as root, or omit --user",
                  why),
      kRefusedCode};
}

bool is_job_control(int number) {
  return number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

class Init {
 public:
  Init(const InitOptions& options, const Beginning& beginning, const os::Clock& clock,
       const Log& log, Notifier notifier, os::Poller poller, os::SignalReader reader)
      : options_(options),
        beginning_(beginning),
        clock_(clock),
        log_(log),
        notifier_(std::move(notifier)),
        poller_(std::move(poller)),
        reader_(std::move(reader)) {}

  int run();

  // One for each action. The result is an event that follows at once.
  using Answer = std::optional<Event>;
  Answer operator()(const action::StartApp&);
  Answer operator()(const action::SpawnReplicator&);
  Answer operator()(const action::SendOrder& action);
  Answer operator()(const action::SignalApp& action);
  Answer operator()(const action::ContinueApp&);
  Answer operator()(const action::KillApp&);
  Answer operator()(const action::Suspend&);
  Answer operator()(const action::ResumeApp&);
  Answer operator()(const action::CheckStragglers&);
  Answer operator()(const action::SignalStragglers& action);
  Answer operator()(const action::LookForOwner&);
  Answer operator()(const action::CloseChannel&);
  Answer operator()(const action::KillReplicator&);
  Answer operator()(const action::Announce& action);
  Answer operator()(const action::Say& action);
  Answer operator()(const action::Exit&);

 private:
  void dispatch(const Event& event);
  void apply(Step next);
  void take_signals();
  void take_reports();
  void reap();
  void look_for_a_stop();
  int replicate(Channel::Pair& ends);
  void close_channel();
  void signal_app(int signal) const;
  void let_go();
  bool was_out_of_memory(const os::ExitStatus& status) const;

  const InitOptions& options_;
  const Beginning& beginning_;
  const os::Clock& clock_;
  const Log& log_;
  // Optional because the replicator closes its copies.
  std::optional<Notifier> notifier_;
  std::optional<os::Poller> poller_;
  std::optional<os::SignalReader> reader_;
  std::optional<Channel> channel_;
  std::uint64_t restarts_ = 0;              // of the replicator
  os::Pid app_;                             // none: not there
  std::optional<std::uint64_t> oom_kills_;  // in our control group, before the app
  os::Pid replicator_;                      // none: not there
  State state_;
};

int Init::run() {
  apply(begin(rules_of(options_), clock_.mono()));
  while (state_.phase != Phase::Done) {
    // The reason for the wake-up does not matter, because checking everything is cheap. Signals
    // come before the deaths that they may have caused, and a replicator's last messages before its
    // own.
    const auto woken = poller_->wait(deadline_of(state_));
    WW_CHECK(woken.has_value());  // the descriptors belong to init
    take_signals();
    take_reports();
    reap();
    look_for_a_stop();
    const auto deadline = deadline_of(state_);
    if (deadline && *deadline <= clock_.mono()) dispatch(event::DeadlinePassed{});
  }
  return state_.exit_status;
}

void Init::dispatch(const Event& event) {
  apply(step(state_, event, clock_.mono()));
}

void Init::apply(Step next) {
  state_ = std::move(next.state);
  std::vector<Event> answers;
  for (const Action& action : next.actions) {
    if (auto answer = std::visit(*this, action)) answers.push_back(*std::move(answer));
  }
  for (const Event& answer : answers) dispatch(answer);
}

void Init::take_signals() {
  for (const auto& signal : reader_->take()) {
    if (signal.number == SIGCHLD) continue;
    if (is_job_control(signal.number)) dispatch(event::JobControl{os::has_job_control()});
    dispatch(signal);
  }
}

void Init::take_reports() {
  while (channel_) {
    const auto received = channel_->receive();
    if (received.state == Channel::State::Empty) return;
    if (received.state == Channel::State::Packet) {
      const auto report = parse_report(received.packet);
      if (report) {
        dispatch(*report);
        continue;
      }
      log_.error("malformed report from the replicator", {{"reason", report.error().text}});
    }
    close_channel();
    dispatch(event::ChannelClosed{});
  }
}

void Init::reap() {
  bool has_reaped_others = false;
  while (const auto reaped = os::reap_one()) {
    if (reaped->pid == app_) {
      app_ = {};
      dispatch(event::AppExited{reaped->status, was_out_of_memory(reaped->status)});
    } else if (reaped->pid == replicator_) {
      take_reports();
      close_channel();
      replicator_ = {};
      ++restarts_;
      dispatch(event::ReplicatorExited{reaped->status});
    } else {
      has_reaped_others = true;
    }
  }
  if (has_reaped_others) dispatch(event::OtherReaped{});
}

void Init::look_for_a_stop() {
  while (const auto stopped = os::take_stopped()) {
    if (stopped->pid != app_) continue;
    dispatch(event::JobControl{os::has_job_control()});
    dispatch(event::AppStopped{stopped->signal});
  }
}

// In the child: it must keep none of init's descriptors, or no end of file would arrive.
int Init::replicate(Channel::Pair& ends) {
  notifier_.reset();
  poller_.reset();
  reader_.reset();
  channel_.reset();
  Channel end = std::move(ends.replicator);
  { const Channel other = std::move(ends.init); }
  beginning_.inherited.close_descriptors();
  beginning_.inherited.return_to_directory();
  os::forbid_new_privileges();
  give_up_capabilities(kReplicatorNeeds, log_);
  const auto at_fork = state_.app == App::NotStarted ? AtFork::AppNotStarted : AtFork::AppStarted;
  return options_.replicator_main(std::move(end), at_fork, restarts_);
}

void Init::close_channel() {
  if (!channel_) return;
  ignore(poller_->remove(channel_->descriptor()), "closing it removes it as well");
  channel_.reset();
}

void Init::signal_app(int signal) const {
  if (app_ == os::Pid{}) return;
  if (options_.signal_group) {
    os::send_signal_to_group(app_, signal);
  } else {
    os::send_signal(app_, signal);
  }
}

Init::Answer Init::operator()(const action::StartApp&) {
  oom_kills_ = os::count_oom_kills();
  os::SpawnOptions app{.command = options_.command,
                       .environment = options_.environment,
                       .signals = &beginning_.signals,
                       .oom_score_raise = options_.oom_score_raise,
                       .user = options_.user};
  if (options_.app_says_ready) app.pid_variables.emplace_back("WATCHDOG_PID");
  const auto spawned = os::spawn(app);
  if (!spawned) {
    const auto& error = spawned.error();
    if (error.code == Code::Unavailable) return event::AppSpawnBusy{error.text};
    return event::AppNotStarted{error.text, kRefusedCode};
  }
  if (spawned->failed) return not_started(*spawned->failed, options_.command.front());
  app_ = spawned->pid;
  let_go();
  return event::AppSpawned{app_};
}

// The start is over. Release the memory that it used, including pages of libraries.
void Init::let_go() {
  beginning_.inherited.close_descriptors();
  os::Inherited::leave_directory();
  os::forbid_new_privileges();
  give_up_capabilities(kInitNeeds, log_);
  os::give_back_untouched_files();
}

bool Init::was_out_of_memory(const os::ExitStatus& status) const {
  if (status.signal != SIGKILL || !oom_kills_) return false;
  const auto kills = os::count_oom_kills();
  return kills && *kills > *oom_kills_;
}

Init::Answer Init::operator()(const action::SpawnReplicator&) {
  const Event failed = event::ReplicatorExited{{.code = kRefusedCode, .signal = 0}};
  close_channel();
  auto ends = Channel::create_pair();
  if (!ends) {
    log_.error("replicator cannot be started", {{"reason", ends.error().text}});
    return failed;
  }
  const auto pid = os::fork_worker([&] { return replicate(*ends); });
  if (!pid) {
    log_.error("replicator cannot be started", {{"reason", pid.error().text}});
    return failed;
  }
  replicator_ = *pid;
  channel_ = std::move(ends->init);
  const auto watched = poller_->add(channel_->descriptor(), kChannel);
  if (!watched) {
    log_.error("replicator's channel cannot be watched", {{"reason", watched.error().text}});
    channel_.reset();
    return event::ChannelClosed{};
  }
  return {};
}

Init::Answer Init::operator()(const action::SendOrder& action) {
  if (!channel_) return {};
  const auto sent = channel_->send(encode(action.order));
  // The next wait reports a closed end. A full buffer means that the replicator does not read. Then
  // the deadline of the order ends the wait for it.
  if (!sent && sent.error().code != Code::NotFound) {
    log_.warn("replicator does not accept orders", {{"reason", sent.error().text}});
  }
  return {};
}

Init::Answer Init::operator()(const action::SignalApp& action) {
  signal_app(action.signal);
  return {};
}

Init::Answer Init::operator()(const action::ContinueApp&) {
  signal_app(SIGCONT);
  return {};
}

Init::Answer Init::operator()(const action::KillApp&) {
  signal_app(SIGKILL);
  return {};
}

Init::Answer Init::operator()(const action::Suspend& action) {
  if (app_ != os::Pid{}) os::send_signal_to_group(app_, SIGSTOP);
  if (action.whole_job) os::send_signal_to_own_group(SIGTSTP);
  os::send_signal(os::own_pid(), SIGSTOP);  // returns at the next SIGCONT
  return {};
}

Init::Answer Init::operator()(const action::ResumeApp&) {
  if (app_ == os::Pid{}) return {};
  os::hand_on_terminal(app_);
  os::send_signal_to_group(app_, SIGCONT);
  return {};
}

Init::Answer Init::operator()(const action::CheckStragglers&) {
  const auto left = static_cast<int>(os::descendants(replicator_).size());
  // From here on a Ctrl-C is meant for the flush.
  if (left == 0) os::take_back_terminal();
  return event::Stragglers{left};
}

Init::Answer Init::operator()(const action::SignalStragglers& action) {
  for (const os::Pid pid : os::descendants(replicator_)) {
    os::send_signal(pid, action.signal);
    if (action.signal != SIGKILL) os::send_signal(pid, SIGCONT);
  }
  return {};
}

// A newcomer that meets the look's own lock tries again.
Init::Answer Init::operator()(const action::LookForOwner&) {
  const auto& all = options_.state_directories;
  return event::OwnerFound{std::any_of(all.begin(), all.end(), os::DirectoryLock::is_held)};
}

Init::Answer Init::operator()(const action::CloseChannel&) {
  close_channel();
  return {};
}

Init::Answer Init::operator()(const action::KillReplicator&) {
  if (replicator_ != os::Pid{}) os::send_signal(replicator_, SIGKILL);
  return {};
}

Init::Answer Init::operator()(const action::Announce& action) {
  notifier_->announce(action.what);
  return {};
}

Init::Answer Init::operator()(const action::Say& action) {
  say(log_, action.fact);
  return {};
}

Init::Answer Init::operator()(const action::Exit&) {
  os::take_back_terminal();
  return {};
}

Result<Notifier> make_announcer(const InitOptions& options, os::Inherited& inherited,
                                const Log& log) {
  AnnouncerOptions to;
  to.manager_socket = options.manager_socket;
  to.app_says_ready = options.app_says_ready;
  to.ready_file = options.ready_file;
  if (options.ready_descriptor) {
    to.ready_descriptor = TRY(inherited.take(*options.ready_descriptor).context("--ready-fd"));
  }
  return Notifier(std::move(to), log);
}

}  // namespace

int run_init(const InitOptions& options, const Beginning& beginning, const os::Clock& clock,
             const Log& log) {
  os::become_subreaper();
  auto notifier = make_announcer(options, beginning.inherited, log);
  auto poller = os::Poller::create();
  auto reader = os::SignalReader::create();
  const auto refuse = [&](const Error& error) {
    log.error("cannot supervise", {{"reason", error.text}});
    return kRefusedCode;
  };
  if (!notifier) return refuse(notifier.error());
  if (!poller) return refuse(poller.error());
  if (!reader) return refuse(reader.error());
  const auto watched = poller->add(reader->descriptor(), kSignals);
  if (!watched) return refuse(watched.error());
  log.info("supervising", {{"platform", options.platform.name},
                           {"grace_ms", options.platform.grace.count()},
                           {"grace_from", options.platform.source},
                           {"pid_1", os::is_pid_1()},
                           {"replicates", static_cast<bool>(options.replicator_main)}});
  for (const auto& warning : options.platform.warnings) {
    log.warn("platform", {{"note", warning.message}, {"hint", warning.hint}});
  }
  return Init(options, beginning, clock, log, *std::move(notifier), *std::move(poller),
              *std::move(reader))
      .run();
}

}  // namespace walwrap::supervisor
