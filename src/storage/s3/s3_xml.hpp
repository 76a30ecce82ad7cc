// The XML of S3's answers, and of requests to S3. Pure: text in, values out.
//
// Unreadable XML is Corrupt, never "nothing": only a listing that says so is empty. The transport
// limits the size. Source: the AWS S3 API reference.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"

namespace walwrap::storage {

struct ListedObject {
  std::string key;  // complete and decoded
  Bytes size = 0;
  WallTime modified;
};
struct ListPage {
  std::vector<ListedObject> objects;
  std::string next_token;  // "": this was the last page
};
Result<ListPage> parse_list(std::string_view xml);

struct S3Error {
  std::string code;  // "NoSuchKey"; "": the body was not an S3 error
  std::string message;
  std::string region;  // of AuthorizationHeaderMalformed and PermanentRedirect
  std::string endpoint;
};
// For an answer that is not a success. A body that is not XML gives an empty code.
S3Error parse_error(std::string_view xml);

Result<std::string> parse_upload_id(std::string_view xml);

struct UploadedPart {
  int number = 0;    // from 1
  std::string etag;  // as the store gave it, quotes included
};
std::string format_complete_upload(const std::vector<UploadedPart>& parts);
// A 200 may contain an error: its S3Error. nullopt: it is complete.
Result<std::optional<S3Error>> parse_complete_upload(std::string_view xml);

std::string format_delete(const std::vector<std::string>& keys);
// Keys that were not deleted, and why. "NoSuchKey" is not among them.
Result<std::vector<std::pair<std::string, S3Error>>> parse_delete(std::string_view xml);

}  // namespace walwrap::storage
