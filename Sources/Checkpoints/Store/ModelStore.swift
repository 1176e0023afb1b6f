import FoundationEssentials
public import SystemPackage

/// The models on this machine, in Hugging Face's own cache, so that what Python has downloaded is found here and the
/// other way round.
///
/// Source: huggingface_hub, "Understand caching".
public struct ModelStore: Sendable {
    /// The directory that holds the `models--` directories.
    public let root: FilePath

    /// Whether nothing may be downloaded.
    public let isOffline: Bool

    /// Where downloads come from.
    public let hub: HubSettings

    public init(root: FilePath, isOffline: Bool = false, hub: HubSettings = HubSettings(environment: [:])) {
        self.root = root
        self.isOffline = isOffline
        self.hub = hub
    }

    /// The place that `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME` or `HOME` says, the first of them that is set;
    /// `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE` forbids downloads.
    ///
    /// - Parameter environment: `nil` takes the process's own.
    public init(environment: [String: String]? = nil) {
        let environment = environment ?? ProcessInfo.processInfo.environment
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        root =
            value("HF_HUB_CACHE").map { FilePath(expandingHome: $0, environment) }
            ?? HubSettings.home(environment).appending("hub")
        isOffline = isTrue(value("HF_HUB_OFFLINE") ?? value("TRANSFORMERS_OFFLINE"))
        hub = HubSettings(environment: environment)
    }

    /// The directory of a model: a path to one, else a model of the store.
    ///
    /// - Parameter name: a path, `ORGANIZATION/NAME`, or `NAME` where no two organizations of the store share it; a model of
    ///   the store may be followed by `@REVISION`.
    public func resolve(_ name: String) throws(StoreError) -> ModelDirectory {
        var isDirectory = false
        if FileManager.default.fileExists(atPath: name, isDirectory: &isDirectory) {
            guard isDirectory else {
                throw .checkpoint(.unreadable(FilePath(name), .notDirectory))
            }
            return ModelDirectory(FilePath(name))
        }
        let missing = StoreError.notFound(
            name: name, store: root, isKnown: KnownModel.named(name) != nil || name.contains("/"))
        guard let reference = try? ModelReference(name) else {
            throw .notFound(name: name, store: root, isKnown: false)
        }
        let matches = folders.filter { candidate in
            candidate == reference.repository
                || candidate.split(separator: "/").last.map(String.init) == reference.repository
        }.filter { RepositoryFolder($0, in: root).model(reference.revision) != nil }
        let exact = matches.filter { $0 == reference.repository }
        let candidates = exact.isEmpty ? matches : exact
        if candidates.count > 1 { throw .ambiguous(name: name, repositories: candidates.sorted()) }
        guard let model = candidates.first.flatMap({ RepositoryFolder($0, in: root).model(reference.revision) }) else {
            throw missing
        }
        return ModelDirectory(model)
    }

    /// The names of all models in the store whose main revision is there.
    public var repositories: [String] { folders.filter { RepositoryFolder($0, in: root).model("main") != nil } }

    private var folders: [String] {
        let folders = (try? FileManager.default.contentsOfDirectory(atPath: root.string)) ?? []
        return folders.compactMap { folder in
            guard folder.hasPrefix("models--") else { return nil }
            return folder.dropFirst("models--".count).split(separator: "--", maxSplits: 1).joined(separator: "/")
        }
    }

    /// Copies a model's files into the store: all of them or nothing.
    ///
    /// - Returns: where they are now.
    func install(_ source: FilePath, as repository: String, revision: String) throws(StoreError) -> FilePath {
        try Self.checkName(repository)
        let folder = RepositoryFolder(repository, in: root)
        try folder.prepare()
        let target = folder.snapshot(revision)
        if !FileManager.default.fileExists(atPath: target.string) {
            let copy = try workDirectory()
            do throws(CheckpointError) {
                try ModelDirectory(source).copy(Self.files(below: source), to: copy.path)
            } catch { throw .checkpoint(error) }
            do throws(Errno) { try moveItem(copy.path, to: target) } catch {
                // Another run was faster.
                guard error == .directoryNotEmpty || error == .fileExists else {
                    throw .checkpoint(.unwritable(target, error))
                }
            }
        }
        let absent = FileChoice.small.filter { !FileManager.default.fileExists(atPath: target.appending($0).string) }
        try folder.recordAbsence(of: absent.sorted(), commit: revision)
        // The reference comes last: without it the snapshot does not count.
        try folder.setReference("main", to: revision)
        return target
    }

    /// The files below a directory, sorted by name, without those of folders whose name begins with a dot, such as `.git`.
    static func files(below directory: FilePath) -> [FilePath] {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: directory.string)) ?? []
        let visible = names.filter { !$0.split(separator: "/").dropLast().contains { $0.hasPrefix(".") } }
        return visible.sorted().map { directory.appending($0) }.filter { path in
            var isDirectory = false
            return FileManager.default.fileExists(atPath: path.string, isDirectory: &isDirectory) && !isDirectory
        }
    }

    static func checkName(_ name: String) throws(StoreError) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isValid =
            (1...2).contains(parts.count)
            && parts.allSatisfy { part in
                !part.isEmpty && part != "." && part != ".." && !part.contains("--")
                    && part.utf8.allSatisfy { byte in
                        byte < 0x80
                            && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber)
                            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
                    }
            }
        if !isValid { throw .invalidName(name) }
    }
}
