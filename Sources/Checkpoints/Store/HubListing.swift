import JSON

/// A commit of a repository of the hub, and what the hub says about its files.
struct HubListing: Sendable {
    struct File: Equatable, Sendable {
        let path: String
        /// `nil` where the hub does not say it here.
        let size: Int?
        let hash: ContentHash?
    }

    let commit: String
    private let files: [String: File]

    var names: Set<String> { Set(files.keys) }

    subscript(_ name: String) -> File? { files[name] }

    /// Reads `GET /api/models/NAME/revision/REVISION?blobs=true`.
    init(_ body: [UInt8], name: String, url: String) throws(HubError) {
        let json: JSON
        do throws(JSONError) { json = try JSON(parsing: body) } catch {
            let start = String(decoding: body.prefix(400), as: UTF8.self).lowercased()
            throw .notJSON(url: url, found: start.contains("<html") ? "an HTML page" : "\(error)")
        }
        func invalid(_ field: String, _ expected: String) -> HubError {
            .invalidListing(name: name, field: field, expected: expected)
        }
        guard let commit = json["sha"]?.string, ModelStore.isCommit(commit) else {
            throw invalid("sha", "a commit of forty hexadecimal digits")
        }
        self.commit = commit
        var files: [String: File] = [:]
        guard let siblings = json["siblings"]?.array else { throw invalid("siblings", "an array") }
        for sibling in siblings {
            guard let path = sibling["rfilename"]?.string else { throw invalid("siblings[].rfilename", "a string") }
            guard ModelStore.isSafePath(path) else { throw .unsafeName(name: name, file: path) }
            let lfs = sibling["lfs"].flatMap { $0.object == nil ? nil : $0 }
            let digits = lfs == nil ? sibling["blobId"]?.string : lfs?["sha256"]?.string
            let size = lfs?["size"]?.integer ?? sibling["size"]?.integer
            files[path] = File(
                path: path, size: size.flatMap { RemoteFile.sizes.contains($0) ? $0 : nil },
                hash: digits.flatMap(ContentHash.init))
        }
        self.files = files
    }
}
