// Which bytes may be keys, what a service that gives keys may answer, and which may be asked.
//
// Pure. Sources: AWS SDKs and Tools Reference Guide, "Container credential provider" and "IMDS
// credential provider". No error repeats what may be a secret.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/storage/aws/s3_sign.hpp"

namespace walwrap::storage {

// An id and a token go into headers and have no blanks; a secret has no control characters and no
// blank at its ends. Errors: Denied, says which and what is wrong.
Result<void> check_keys(const SigningKeys& keys);
// Of a value that goes into a header as it is: not empty, no blanks, nothing but printable ASCII.
bool is_header_word(std::string_view text);

// The JSON of a container's or an instance's service.
struct KeyAnswer {
  SigningKeys keys;
  std::optional<WallTime> expires;  // nullopt: never
};
// Errors: Corrupt (no JSON, or something is missing), Denied (it says that it gives none).
Result<KeyAnswer> parse_key_answer(std::string_view json);

// The role of an instance: the first line of what its service lists. nullopt: none.
std::optional<std::string> parse_role_name(std::string_view text);

// A service that is sent a token: any by https, and by http those that no network lies between.
// Errors: Denied.
enum class PlainHttp { ThisMachine, ThisMachineOrContainer };
Result<void> check_service_url(std::string_view url, PlainHttp plain);

// A server's message, in one short line and without the words that are part of `secret`.
std::string without_secret(std::string_view message, std::string_view secret);

}  // namespace walwrap::storage
