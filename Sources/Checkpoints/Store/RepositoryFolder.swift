import FoundationEssentials
import Glibc
import SystemPackage

/// One repository in the store: `models--ORGANIZATION--NAME` with `blobs/HASH`, `snapshots/COMMIT/FILE`, which link there,
/// and `refs/REVISION`, which name commits.
///
/// Source: huggingface_hub, "Understand caching".
struct RepositoryFolder: Sendable {
    let store: FilePath
    let path: FilePath

    init(_ repository: String, in store: FilePath) {
        self.store = store
        path = store.appending("models--" + repository.split(separator: "/").joined(separator: "--"))
    }

    func blob(_ hash: ContentHash) -> FilePath { path.appending("blobs").appending(hash.digits) }
    func partialBlob(_ hash: ContentHash) -> FilePath {
        path.appending("blobs").appending(hash.digits + ".incomplete")
    }
    /// Where huggingface_hub has it, so that it and Graft wait for each other.
    func lock(_ hash: ContentHash) -> FilePath { locks.appending(hash.digits + ".lock") }
    func snapshot(_ commit: String) -> FilePath { path.appending("snapshots").appending(commit) }

    private var locks: FilePath { store.appending(".locks").appending(path.lastComponent?.string ?? "") }

    /// The commit that a revision names here: by its reference, else by itself.
    func commit(of revision: String) -> String? {
        guard ModelStore.isSafePath(revision) else { return nil }
        let reference = path.appending("refs").appending(revision)
        if let data = FileManager.default.contents(atPath: reference.string) {
            let commit = String(decoding: data, as: UTF8.self).filter { !$0.isWhitespace }
            return ModelStore.isSafePath(commit) && !commit.contains("/") ? commit : nil
        }
        return ModelStore.isCommit(revision) ? revision : nil
    }

    /// The files of a revision, where there is a model.
    func model(_ revision: String) -> FilePath? {
        guard let snapshot = commit(of: revision).map(snapshot) else { return nil }
        let isModel = FileChoice.markers.contains {
            FileManager.default.fileExists(atPath: snapshot.appending($0).string)
        }
        return isModel ? snapshot : nil
    }

    /// Creates the directories, and marks the store as a cache for programs that make backups.
    func prepare() throws(StoreError) {
        for directory in [path.appending("blobs"), path.appending("snapshots"), path.appending("refs"), locks] {
            try create(directory)
        }
        let tag = store.appending("CACHEDIR.TAG")
        if !FileManager.default.fileExists(atPath: tag.string) {
            try write("Signature: 8a477f597d28d172789f06886806bc55\n# Models: https://bford.info/cachedir/\n", to: tag)
        }
    }

    /// Makes contents appear in a snapshot. The files that make it a model come last.
    func link(_ files: [RemoteFile], commit: String) throws(StoreError) {
        let rank = Dictionary(uniqueKeysWithValues: FileChoice.markers.enumerated().map { ($1, -$0 - 1) })
        for file in files.sorted(by: { (rank[$0.path] ?? -10, $0.path) < (rank[$1.path] ?? -10, $1.path) }) {
            let place = snapshot(commit).appending(file.path)
            if FileManager.default.fileExists(atPath: place.string) { continue }
            try create(place.removingLastComponent())
            let upwards = String(repeating: "../", count: file.path.split(separator: "/").count + 1)
            // A link that leads nowhere is replaced.
            let temporary = temporaryName(for: place)
            do {
                let target = "\(upwards)blobs/\(file.hash.digits)"
                let status = unsafe temporary.withPlatformString { unsafe symlink(target, $0) }
                guard status == 0 else { throw Errno(rawValue: errno) }
                try moveItem(temporary, to: place)
            } catch { throw .checkpoint(.unwritable(place, error as? Errno ?? .ioError)) }
        }
    }

    /// Records that files are not in a commit, which spares Python the question.
    func recordAbsence(of files: some Sequence<String>, commit: String) throws(StoreError) {
        let directory = path.appending(".no_exist").appending(commit)
        try create(directory)
        for file in files { try write("", to: directory.appending(file)) }
    }

    /// Whether it is on record that a file is not in the commit of a snapshot.
    static func isRecordedAbsent(_ file: String, from snapshot: FilePath) -> Bool {
        let repository = snapshot.removingLastComponent().removingLastComponent()
        let record = repository.appending(".no_exist").appending(snapshot.lastComponent?.string ?? "").appending(file)
        return FileManager.default.fileExists(atPath: record.string)
    }

    /// Makes a revision name a commit.
    func setReference(_ revision: String, to commit: String) throws(StoreError) {
        if revision == commit { return }
        let reference = path.appending("refs").appending(revision)
        if FileManager.default.contents(atPath: reference.string) == Data(commit.utf8) { return }
        try create(reference.removingLastComponent())
        try write(commit, to: reference)
    }

    private func create(_ directory: FilePath) throws(StoreError) {
        do {
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        } catch { throw .checkpoint(.unwritable(directory, errorNumber(error))) }
    }

    private func write(_ text: String, to path: FilePath) throws(StoreError) {
        do throws(CheckpointError) { try AtomicFile.write(Array(text.utf8), to: path) } catch {
            throw .checkpoint(error)
        }
    }
}

extension ModelStore {
    static func isCommit(_ text: String) -> Bool {
        text.utf8.count == 40 && text.utf8.allSatisfy { 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }
    }

    /// Whether a path, or a revision, stays below the directory that it is put into.
    static func isSafePath(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return path.utf8.count < 1024 && path.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
            && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count < 256 }
    }
}
