// Which bytes credentials may have, what a credential service may answer, and which services may be
// asked.
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

// An id and a token go into headers and have no blanks. A secret has no control characters and no
// blank at either end. Errors: Denied, with the part and its fault.
Result<void> check_keys(const SigningKeys& keys);
// For a value that goes into a header unchanged: not empty, no blanks, only printable ASCII.
bool is_header_word(std::string_view text);

// The JSON of a container's or an instance's service.
struct KeyAnswer {
  SigningKeys keys;
  std::optional<WallTime> expires;  // nullopt: never
};
// Errors: Corrupt (not JSON, or incomplete), Denied (the service refuses).
Result<KeyAnswer> parse_key_answer(std::string_view json);

// The role of an instance: the first line of its service's list. nullopt: none.
std::optional<std::string> parse_role_name(std::string_view text);

// A service that gets a token must use https, or http without a network in between. Errors: Denied.
enum class PlainHttp { ThisMachine, ThisMachineOrContainer };
Result<void> check_service_url(std::string_view url, PlainHttp plain);

// A server's message in one short line, without words that are part of `secret`.
std::string without_secret(std::string_view message, std::string_view secret);

}  // namespace walwrap::storage
