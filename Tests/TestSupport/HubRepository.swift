import Crypto
import SystemPackage

/// A repository as the hub serves it: `GET /api/models/NAME/revision/REVISION` and `/NAME/resolve/REVISION/FILE`.
///
/// Files named in `large` are kept in a storage of their own, as with git LFS: their checksum is SHA-256, and they are
/// served behind a redirect.
public struct HubRepository: Sendable {
    public var name: String
    public var commit = String(repeating: "c0ffee0123", count: 4)
    /// Branches and tags beside `main`, and their commits.
    public var revisions: [String: String] = [:]
    public var files: [String: [UInt8]]
    public var large: Set<String> = ["model.safetensors"]
    /// Where large files are, such as another server's address.
    public var storage = ""
    /// Whether the listing has sizes and checksums.
    public var listsChecksums = true

    public init(_ name: String = "org/tiny", files: [String: [UInt8]]) { (self.name, self.files) = (name, files) }

    /// A tiny BERT with a README and what Graft does not need.
    public static func tiny(_ name: String = "org/tiny") -> HubRepository {
        let source = Golden.directory("tiny-bert-gelu")
        var files: [String: [UInt8]] = [:]
        for file in ["config.json", "model.safetensors"] { files[file] = contents(of: source.appending(file)) }
        files["vocab.txt"] = Array((TinyModel.vocabulary.joined(separator: "\n") + "\n").utf8)
        files["README.md"] = Array("# Tiny\n".utf8)
        files["tf_model.h5"] = [UInt8](repeating: 1, count: 3_000_000)
        files["pytorch_model.bin"] = [UInt8](repeating: 2, count: 2_000_000)
        files["onnx/model.onnx"] = [UInt8](repeating: 3, count: 1_000_000)
        return HubRepository(name, files: files)
    }

    /// What names a file's content.
    public func hash(_ file: String) -> String {
        let content = files[file] ?? []
        if large.contains(file) { return hexadecimal(SHA256.hash(data: content)) }
        return hexadecimal(Insecure.SHA1.hash(data: Array("blob \(content.count)\0".utf8) + content))
    }

    private func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    public func answer(_ request: LocalServer.Request) -> LocalServer.Response {
        let api = "/api/models/\(name)/revision/"
        if request.path.hasPrefix(api) {
            guard let commit = commit(String(request.path.dropFirst(api.count))) else {
                return missing("RevisionNotFound")
            }
            return .init(200, ["Content-Type": "application/json"], listing(commit))
        }
        if request.path.hasPrefix("/storage/") {
            let file = String(request.path.dropFirst("/storage/".count))
            return content(file, request)
        }
        let resolve = "/\(name)/resolve/"
        guard request.path.hasPrefix(resolve) else { return missing("RepoNotFound", 401) }
        let parts = request.path.dropFirst(resolve.count).split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2, let commit = commit(parts[0]) else { return missing("RevisionNotFound") }
        guard let body = files[parts[1]] else { return missing("EntryNotFound") }
        var response = content(parts[1], request)
        response.headers["X-Repo-Commit"] = commit
        if large.contains(parts[1]) {
            response = .init(302, response.headers)
            response.headers["X-Linked-Etag"] = "\"\(hash(parts[1]))\""
            response.headers["X-Linked-Size"] = "\(body.count)"
            response.headers["ETag"] = nil
            response.headers["Location"] = "\(storage)/storage/\(parts[1])"
        }
        return response
    }

    public func listing(_ commit: String) -> String {
        let siblings = files.keys.sorted().map { file -> String in
            let size = files[file]?.count ?? 0
            if !listsChecksums { return "{\"rfilename\": \"\(file)\"}" }
            let lfs = large.contains(file) ? ", \"lfs\": {\"sha256\": \"\(hash(file))\", \"size\": \(size)}" : ""
            let blob = large.contains(file) ? String(repeating: "0", count: 40) : hash(file)
            return "{\"rfilename\": \"\(file)\", \"size\": \(size), \"blobId\": \"\(blob)\"\(lfs)}"
        }
        return "{\"sha\": \"\(commit)\", \"siblings\": [\(siblings.joined(separator: ", "))]}"
    }

    /// A file, or the part of it that the request asks for.
    public func content(_ file: String, _ request: LocalServer.Request) -> LocalServer.Response {
        guard let body = files[file] else { return .init(404) }
        let headers = ["ETag": "\"\(hash(file))\""]
        guard let range = request.headers["range"],
            let start = Int(range.dropFirst("bytes=".count).dropLast())
        else { return .init(200, headers, body) }
        guard start < body.count else { return .init(416) }
        let place = "bytes \(start)-\(body.count - 1)/\(body.count)"
        return .init(206, headers.merging(["Content-Range": place]) { $1 }, Array(body[start...]))
    }

    private func commit(_ revision: String) -> String? {
        revision == "main" || revision == commit
            ? commit : revisions[revision.split(separator: "%2F").joined(separator: "/")]
    }

    private func missing(_ code: String, _ status: Int = 404) -> LocalServer.Response {
        .init(status, ["X-Error-Code": code])
    }
}
