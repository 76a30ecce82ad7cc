#include "walwrap/os/privileges.hpp"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "walwrap/os/error.hpp"

namespace walwrap::os {
namespace {

// Version 3 of the interface: 64 bits in two halves.
using Sets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;
static_assert(_LINUX_CAPABILITY_U32S_3 == 2);

// The C library has no wrapper for these two.
Result<Sets> read_sets() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  Sets sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return errno_failure("capget", "", errno);
  return sets;
}

Result<void> write_sets(const Sets& sets) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  if (::syscall(SYS_capset, &header, sets.data()) != 0) return errno_failure("capset", "", errno);
  return {};
}

constexpr std::uint32_t bit_of(Capability capability) {
  return std::uint32_t{1} << static_cast<unsigned>(capability);  // all of walwrap's are below 32
}

}  // namespace

bool has_capability(Capability capability) {
  const auto sets = read_sets();
  return sets && ((*sets)[0].effective & bit_of(capability)) != 0;
}

Result<void> keep_capabilities(std::initializer_list<Capability> kept) {
  std::uint32_t low = 0;
  for (const Capability capability : kept) low |= bit_of(capability);
  auto sets = TRY(read_sets());
  const std::array<std::uint32_t, 2> masks = {low, 0};
  for (std::size_t half = 0; half < sets.size(); ++half) {
    sets[half].effective &= masks[half];
    sets[half].permitted &= masks[half];
    sets[half].inheritable &= masks[half];
  }
  return write_sets(sets);
}

void forbid_new_privileges() {
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

}  // namespace walwrap::os
