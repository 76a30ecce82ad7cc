// Whatever a store answers, the parsers end, and a listing that is taken has keys.
#include "walwrap/storage/s3/s3_xml.hpp"

#include <cstdlib>
#include <string_view>

#include "walwrap/storage/aws/sts_xml.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view xml(reinterpret_cast<const char*>(data), size);
  if (const auto page = walwrap::storage::parse_list(xml)) {
    for (const auto& object : page->objects) {
      if (object.key.empty()) std::abort();
    }
  }
  walwrap::storage::parse_error(xml);
  walwrap::ignore(walwrap::storage::parse_complete_upload(xml), "any answer will do");
  walwrap::ignore(walwrap::storage::parse_delete(xml), "any answer will do");
  const auto credentials = walwrap::storage::parse_web_identity(xml);
  if (credentials && credentials->access_key_id.empty()) std::abort();
  return 0;
}
