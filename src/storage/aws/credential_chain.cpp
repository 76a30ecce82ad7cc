#include "walwrap/storage/aws/credential_chain.hpp"

#include <array>
#include <utility>

#include "walwrap/storage/aws/credential_endpoints.hpp"
#include "walwrap/storage/aws/credential_refresh.hpp"
#include "walwrap/storage/aws/static_credentials.hpp"

namespace walwrap::storage {
namespace {

constexpr std::array<CredentialSource, 5> kOrder = {
    CredentialSource::Environment, CredentialSource::WebIdentity, CredentialSource::Profile,
    CredentialSource::Container, CredentialSource::Instance};

// The transport was stopped, which says nothing about the service.
bool is_stop(const Error& error) {
  return error.code == Code::Cancelled || error.code == Code::Deadline;
}

std::string expiry_of(const Credentials& credentials) {
  return credentials.expires ? format_rfc3339(*credentials.expires) : "never";
}

}  // namespace

class CredentialChain::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)) {}

  Result<Credentials> get();
  void forget() { refresh_.on_refused(now()); }

 private:
  CredentialRefresh::Now now() const {
    return {.wall = options_.clock.wall(), .mono = options_.clock.mono()};
  }
  Result<Credentials> fetch() const;
  Result<Finding> look_in(CredentialSource source) const;
  std::optional<Credentials> take_shared() const;
  Credentials keep(Credentials found);
  Result<Credentials> go_without(Error error);

  Options options_;
  CredentialRefresh refresh_;
  std::optional<Credentials> held_;
  Error last_error_;
  bool is_failing_ = false;  // was logged
};

Result<Credentials> CredentialChain::Impl::get() {
  switch (refresh_.next(now())) {
    case CredentialRefresh::Do::Use:
      return *held_;
    case CredentialRefresh::Do::Fail:
      return fail(last_error_);
    case CredentialRefresh::Do::Fetch:
      break;
  }
  if (auto theirs = take_shared()) return keep(*std::move(theirs));
  auto found = fetch();
  if (!found) return go_without(found.error());
  auto kept = keep(*std::move(found));
  if (options_.shared != nullptr) options_.shared->set(kept);
  return kept;
}

// Another chain's credentials, if they are new to this one and need no refresh.
std::optional<Credentials> CredentialChain::Impl::take_shared() const {
  if (options_.shared == nullptr) return std::nullopt;
  auto theirs = options_.shared->get();
  if (!theirs || !CredentialRefresh::is_fresh(theirs->expires, now())) return std::nullopt;
  if (held_ && is_same(held_->keys, theirs->keys)) return std::nullopt;
  return theirs;
}

// After a source has answered, only that one is asked: another source is another identity.
Result<Credentials> CredentialChain::Impl::fetch() const {
  std::string absent;
  for (const auto source : kOrder) {
    if (held_ && held_->kind != source) continue;
    auto finding = TRY(look_in(source));
    if (finding.role) {
      const CredentialService service{options_.environment, options_.transport, options_.region};
      finding.credentials = TRY(take_role(*finding.role, service));
    }
    if (finding.credentials) {
      finding.credentials->kind = source;
      return *std::move(finding.credentials);
    }
    absent += (absent.empty() ? "" : ", ") + finding.absent;
  }
  if (held_) {
    return fail(Code::Denied, "{} no longer gives credentials: {}", held_->source, absent);
  }
  // Waiting does not help: the configuration has no credentials.
  return fail(Code::Invalid,
              "no credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (tried: {})",
              absent);
}

Result<Finding> CredentialChain::Impl::look_in(CredentialSource source) const {
  const LookupFn& environment = options_.environment;
  const CredentialService service{environment, options_.transport, options_.region};
  switch (source) {
    case CredentialSource::Environment:
      return find_in_environment(environment);
    case CredentialSource::WebIdentity:
      return find_web_identity(environment);
    case CredentialSource::Profile:
      return find_in_profile(environment);
    case CredentialSource::Container:
      return ask_container(service);
    case CredentialSource::Instance:
      return ask_instance(service, held_ ? Instance::Must : Instance::May);
  }
  panic(__FILE__, __LINE__, "source is one of KeySource");
}

Credentials CredentialChain::Impl::keep(Credentials found) {
  refresh_.on_fetched(found.expires, now());
  options_.log.debug("credentials found",
                     {{"source", found.source}, {"expires", expiry_of(found)}});
  if (std::exchange(is_failing_, false)) {
    options_.log.info("credentials can be refreshed again", {{"source", found.source}});
  }
  held_ = std::move(found);
  return *held_;
}

Result<Credentials> CredentialChain::Impl::go_without(Error error) {
  if (!is_stop(error)) {
    last_error_ = error;
    refresh_.on_failed(now());
  }
  if (!refresh_.can_be_used(now())) return fail(std::move(error));
  if (!is_stop(error) && !std::exchange(is_failing_, true)) {
    options_.log.warn(
        "credentials could not be refreshed, the current ones are used until they expire",
        {{"source", held_->source}, {"expires", expiry_of(*held_)}, {"error", error.text}});
  }
  return *held_;
}

CredentialChain::CredentialChain(Options options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
CredentialChain::~CredentialChain() = default;
CredentialChain::CredentialChain(CredentialChain&&) noexcept = default;

Result<Credentials> CredentialChain::get() {
  return impl_->get();
}

void CredentialChain::forget() {
  impl_->forget();
}

}  // namespace walwrap::storage
