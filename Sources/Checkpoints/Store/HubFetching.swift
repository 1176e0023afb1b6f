import FoundationEssentials
import JSON
import Synchronization
import SystemPackage

/// Bringing models of the hub into the store.
extension ModelStore {
    /// How many files come at the same time.
    private static let concurrency = 4

    func fetchFromHub(
        _ reference: ModelReference, _ options: FetchOptions, report: @escaping @Sendable (FetchEvent) -> Void
    ) async throws(StoreError) -> Fetched {
        let folder = RepositoryFolder(reference.repository, in: root)
        let choosesFiles = !options.include.isEmpty || !options.exclude.isEmpty
        if !choosesFiles, !options.updates, let path = folder.model(reference.revision), await Self.isComplete(path) {
            return Fetched(repository: reference.repository, path: path, wasPresent: true)
        }
        if isOffline { throw .offline(name: reference.text) }
        if let note = hub.proxies.note { report(.note(note)) }
        let transport = HTTPTransport(hub)
        do throws(StoreError) {
            let path = try await download(reference, options, into: folder, over: transport, report: report)
            await transport.close()
            return Fetched(repository: reference.repository, path: path, wasPresent: false)
        } catch {
            await transport.close()
            throw error
        }
    }

    /// Whether a snapshot has all that its model needs, so that nothing has to be asked for. Python downloads files one by
    /// one as it needs them, and may have left out the weights or the tokenizer.
    static func isComplete(_ snapshot: FilePath) async -> Bool {
        let names = Set(
            files(below: snapshot).compactMap { file in
                var relative = file
                return relative.removePrefix(snapshot) ? relative.string : nil
            })
        // The first module is the model, mostly in no folder of its own.
        let folder = (try? json(snapshot.appending("modules.json")))?.array?.first?["path"]?.string ?? ""
        let model = ModelDirectory(snapshot.appending(folder))
        let weights = try? model.weights()
        if names.contains("config.json") || !names.contains("adapter_config.json") {
            let hasTokenizer =
                FileChoice.tokenizers.contains(where: model.exists)
                || model.files.contains { $0.extension == "model" && $0.removingLastComponent() == model.path }
            let needsNone = FileChoice.tokenizers.allSatisfy { RepositoryFolder.isRecordedAbsent($0, from: snapshot) }
            guard weights != nil, hasTokenizer || needsNone else { return false }
        }
        // A TensorFlow checkpoint does not come from the hub: it was imported, and whole.
        if weights?.extension == "index" { return true }
        let choice = FileChoice(source: snapshot.string, names: names) { name throws(StoreError) in
            try json(snapshot.appending(name))
        }
        return (try? await choice.chosen()) != nil
    }

    private func download(
        _ reference: ModelReference, _ options: FetchOptions, into folder: RepositoryFolder,
        over transport: HTTPTransport, report: @escaping @Sendable (FetchEvent) -> Void
    ) async throws(StoreError) -> FilePath {
        let hub: Hub
        let listing: HubListing
        do throws(HubError) {
            hub = try Hub(self.hub, transport, report: report)
            listing = try await hub.listing(
                Hub.Source(repository: reference.repository, revision: reference.revision))
        } catch { throw .hub(error) }
        try folder.prepare()
        // From here on by the commit: the files of one state, whatever becomes of the branch.
        let session = HubSession(
            hub: hub, source: Hub.Source(repository: reference.repository, revision: listing.commit),
            listing: listing, folder: folder)
        let names = listing.names.filter { !FileChoice.matches($0, options.exclude) }
        let chosen: [String]
        if options.include.isEmpty {
            let choice = FileChoice(source: reference.repository, names: names) { name throws(StoreError) in
                try await session.json(name)
            }
            chosen = try await choice.chosen()
            if let rest = listing.summary(without: Set(chosen)) { report(.note(rest)) }
        } else {
            chosen = names.filter { FileChoice.matches($0, options.include) }.sorted()
            if chosen.isEmpty {
                throw .hub(
                    .noModel(
                        name: reference.repository,
                        missing: "file that fits \(options.include.joined(separator: ", "))",
                        found: listing.names.sorted()))
            }
        }
        let files = try await session.files(chosen)
        try await session.download(files, concurrency: Self.concurrency)
        try folder.link(files, commit: listing.commit)
        try folder.recordAbsence(of: FileChoice.small.subtracting(listing.names).sorted(), commit: listing.commit)
        // The reference comes last: without it the snapshot does not count.
        try folder.setReference(reference.revision, to: listing.commit)
        return folder.snapshot(listing.commit)
    }

    fileprivate static func json(_ path: FilePath) throws(StoreError) -> JSON {
        do throws(CheckpointError) {
            let file = try MappedFile(path)
            do throws(JSONError) { return try JSON(parsing: file.bytes(0..<file.count)) } catch {
                throw CheckpointError.invalidJSON(path, error)
            }
        } catch { throw .checkpoint(error) }
    }
}

/// One commit of one repository being downloaded.
private struct HubSession: Sendable {
    let hub: Hub
    let source: Hub.Source
    let listing: HubListing
    let folder: RepositoryFolder

    func file(_ name: String) async throws(StoreError) -> RemoteFile {
        let listed = listing[name]
        if let size = listed?.size, let hash = listed?.hash { return RemoteFile(path: name, size: size, hash: hash) }
        do throws(HubError) {
            let (hash, size) = try await hub.metadata(name, of: source)
            return RemoteFile(path: name, size: size, hash: hash)
        } catch { throw .hub(error) }
    }

    func files(_ names: [String]) async throws(StoreError) -> [RemoteFile] {
        var files: [RemoteFile] = []
        for name in names { files.append(try await file(name)) }
        return files
    }

    /// The content of a small file, which stays in the store.
    func json(_ name: String) async throws(StoreError) -> JSON {
        let file = try await file(name)
        try await BlobDownload(hub: hub, source: source, file: file, folder: folder) { _ in }.run()
        return try ModelStore.json(folder.blob(file.hash))
    }

    /// Several at the same time; the first error ends the others.
    func download(_ files: [RemoteFile], concurrency: Int) async throws(StoreError) {
        // Two names may have one content.
        var seen: Set<String> = []
        let files = files.filter { seen.insert($0.hash.digits).inserted }
        let total = files.reduce(0) { $0 + $1.size }
        let state = Mutex((bytes: 0, received: 0))
        let report = hub.report
        let progress: @Sendable (BlobDownload.Progress) -> Void = { progress in
            let now = state.withLock { state in
                switch progress {
                case .present(let bytes): state.bytes += bytes
                case .received(let bytes): state = (state.bytes + bytes, state.received + bytes)
                case .lost(let bytes): state.bytes -= bytes
                }
                return state
            }
            report(.transferred(bytes: now.bytes, of: total, received: now.received))
        }
        let failure = await withTaskGroup(of: Result<Void, StoreError>.self) { group -> StoreError? in
            var waiting = files.makeIterator()
            func start() {
                guard let file = waiting.next() else { return }
                group.addTask {
                    do throws(StoreError) {
                        try await BlobDownload(
                            hub: hub, source: source, file: file, folder: folder, progress: progress
                        ).run()
                        return .success(())
                    } catch { return .failure(error) }
                }
            }
            for _ in 0..<concurrency { start() }
            var failure: StoreError?
            for await result in group {
                if case .failure(let error) = result {
                    if failure == nil { failure = error }
                    group.cancelAll()
                } else if failure == nil {
                    start()
                }
            }
            return failure
        }
        if let failure { throw failure }
    }
}

extension HubListing {
    /// What is left out, the largest first, and how much it is; `nil` where that is nothing worth a line.
    func summary(without chosen: Set<String>) -> String? {
        var sizes: [String: Int] = [:]
        for name in names.subtracting(chosen) where !name.hasPrefix(".") {
            let group = name.firstIndex(of: "/").map { String(name[...$0]) } ?? name
            sizes[group, default: 0] += self[name]?.size ?? 0
        }
        if sizes.isEmpty { return nil }
        let largest = sizes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let names = largest.prefix(5).map(\.key).joined(separator: ", ")
        let megabytes = (sizes.values.reduce(0, +) + 500_000) / 1_000_000
        return "left out \(names)\(largest.count > 5 ? " and \(largest.count - 5) more" : "") (\(megabytes) MB)"
    }
}
