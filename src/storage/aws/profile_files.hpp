// The profiles of the AWS tools' two files: ~/.aws/credentials and ~/.aws/config.
//
// Pure; text in, values out. Values may be secrets, and no error repeats a line. Source: AWS SDKs
// and Tools Reference Guide, "Shared config and credentials files". Indented lines below a key
// belong to that key and are ignored. A repeated section continues the first one.
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

// In the config file a profile is "[profile x]", and only the default one may be "[default]". In
// the credentials file it is "[x]".
enum class ProfileFile { Credentials, Config };

// Sections that are not profiles are left out. Errors: Invalid, with the number of the line.
Result<Profiles> parse_profiles(std::string_view text, ProfileFile file);

// Adds the values of `more`. Where both have a value, the one in `profiles` stays.
void merge_profiles(Profiles& profiles, const Profiles& more);

// The value if it is not empty, else "".
std::string_view value_of(const Profile& profile, std::string_view key);

}  // namespace walwrap::storage
