#include "walwrap/storage/s3/s3_xml.hpp"

#include <fmt/format.h>

#include <charconv>
#include <pugixml.hpp>
#include <sstream>
#include <utility>

#include "walwrap/storage/aws/xml_nodes.hpp"

namespace walwrap::storage {
namespace {

// A percent-encoded key, in which a space is '+'.
Result<std::string> decode_url(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      unsigned value = 0;
      const auto digits = text.substr(i + 1, 2);
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
      if (error != std::errc{} || end != digits.data() + 2) {
        return fail(Code::Corrupt, "a key in the listing is not url-encoded as announced");
      }
      out += static_cast<char>(value);
      i += 2;
    }
  }
  return out;
}

Result<ListedObject> parse_object(const pugi::xml_node& node, bool is_encoded) {
  ListedObject object;
  object.key = text_of(node, "Key");
  if (is_encoded) object.key = TRY(decode_url(object.key));
  if (object.key.empty()) return fail(Code::Corrupt, "the listing has an object without a key");
  const std::string size = text_of(node, "Size");
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), object.size);
  if (error != std::errc{} || end != size.data() + size.size()) {
    return fail(Code::Corrupt, "the listing has {} with the size '{}'", object.key, size);
  }
  const auto modified = parse_rfc3339(text_of(node, "LastModified"));
  if (!modified) return fail(Code::Corrupt, "the listing has no time for {}", object.key);
  object.modified = *modified;
  return object;
}

S3Error error_in(const pugi::xml_node& node) {
  S3Error error;
  error.code = text_of(node, "Code");
  error.message = text_of(node, "Message");
  error.region = text_of(node, "Region");
  error.endpoint = text_of(node, "Endpoint");
  return error;
}

std::string print(const pugi::xml_document& document) {
  std::ostringstream out;
  document.save(out, "", pugi::format_raw | pugi::format_no_declaration);
  return out.str();
}

pugi::xml_node add(pugi::xml_node parent, const char* name, const std::string& value) {
  auto node = parent.append_child(name);
  node.append_child(pugi::node_pcdata).set_value(value.c_str());
  return node;
}

}  // namespace

Result<ListPage> parse_list(std::string_view xml) {
  pugi::xml_document document;
  const auto root = TRY(load_xml(document, xml, "ListBucketResult"));
  const std::string truncated = text_of(root, "IsTruncated");
  if (truncated != "true" && truncated != "false") {
    return fail(Code::Corrupt, "the listing does not say whether it is complete");
  }
  const bool is_encoded = text_of(root, "EncodingType") == "url";
  ListPage page;
  for (const auto& node : root.children()) {
    if (local_name(node) != "Contents") continue;
    auto object = TRY(parse_object(node, is_encoded));
    page.objects.push_back(std::move(object));
  }
  if (truncated == "true") {
    page.next_token = text_of(root, "NextContinuationToken");
    if (page.next_token.empty()) {
      return fail(Code::Corrupt, "the listing continues, but has no continuation token");
    }
  }
  return page;
}

S3Error parse_error(std::string_view xml) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size())) return {};
  return error_in(error_node(document.document_element()));
}

Result<std::string> parse_upload_id(std::string_view xml) {
  pugi::xml_document document;
  const auto root = TRY(load_xml(document, xml, "InitiateMultipartUploadResult"));
  std::string id = text_of(root, "UploadId");
  if (id.empty()) return fail(Code::Corrupt, "the answer has no upload id");
  return id;
}

std::string format_complete_upload(const std::vector<UploadedPart>& parts) {
  pugi::xml_document document;
  auto root = document.append_child("CompleteMultipartUpload");
  root.append_attribute("xmlns") = "http://s3.amazonaws.com/doc/2006-03-01/";
  for (const auto& part : parts) {
    auto node = root.append_child("Part");
    add(node, "PartNumber", std::to_string(part.number));
    add(node, "ETag", part.etag);
  }
  return print(document);
}

Result<std::optional<S3Error>> parse_complete_upload(std::string_view xml) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size())) {
    return fail(Code::Corrupt, "the answer to the completed upload is not XML");
  }
  const auto root = document.document_element();
  if (local_name(root) == "CompleteMultipartUploadResult") return std::optional<S3Error>();
  const auto error = error_node(root);
  if (!error) {
    return fail(Code::Corrupt, "the answer to the completed upload is a {}",
                local_name(root).substr(0, 60));
  }
  return std::optional(error_in(error));
}

std::string format_delete(const std::vector<std::string>& keys) {
  pugi::xml_document document;
  auto root = document.append_child("Delete");
  root.append_attribute("xmlns") = "http://s3.amazonaws.com/doc/2006-03-01/";
  for (const auto& key : keys) add(root.append_child("Object"), "Key", key);
  add(root, "Quiet", "true");
  return print(document);
}

Result<std::vector<std::pair<std::string, S3Error>>> parse_delete(std::string_view xml) {
  pugi::xml_document document;
  const auto root = TRY(load_xml(document, xml, "DeleteResult"));
  std::vector<std::pair<std::string, S3Error>> failed;
  for (const auto& node : root.children()) {
    if (local_name(node) != "Error") continue;
    auto error = error_in(node);
    if (error.code == "NoSuchKey") continue;
    failed.emplace_back(text_of(node, "Key"), std::move(error));
  }
  return failed;
}

}  // namespace walwrap::storage
