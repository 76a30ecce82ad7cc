// The profiles of the AWS tools' two files: ~/.aws/credentials and ~/.aws/config.
//
// Pure; text in, values out. Values may be secrets, and no error repeats a line. Source: AWS SDKs
// and Tools Reference Guide, "Shared config and credentials files". What is indented below a key
// belongs to that key, and is ignored. A section that comes twice is one.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"

namespace walwrap::storage {

using Profile = std::map<std::string, Secret<std::string>, std::less<>>;  // keys in lower case
using Profiles = std::map<std::string, Profile, std::less<>>;

// In the config file a profile is "[profile x]", only the default one may be "[default]"; in the
// credentials file it is "[x]".
enum class ProfileFile { Credentials, Config };

// Sections that are no profiles are left out. Errors: Invalid, with the number of the line.
Result<Profiles> parse_profiles(std::string_view text, ProfileFile file);

// Adds what `more` says; where both say something, `profiles` has it already.
void merge_profiles(Profiles& profiles, const Profiles& more);

// Not empty, else "".
std::string_view value_of(const Profile& profile, std::string_view key);

}  // namespace walwrap::storage
