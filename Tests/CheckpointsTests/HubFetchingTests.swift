import Checkpoints
import FoundationEssentials
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite("Fetching from the hub")
struct HubFetchingTests {
    private let directory: TemporaryDirectory
    private let server: LocalServer
    private let repository = HubRepository.tiny()

    init() throws {
        directory = try TemporaryDirectory()
        server = try LocalServer()
        server.answer { [repository] in repository.answer($0) }
    }

    private func store(_ more: [String: String] = [:]) -> ModelStore {
        var environment = [
            "HF_HOME": directory.path.string, "HF_ENDPOINT": server.address, "HF_HUB_ETAG_TIMEOUT": "60",
            "HF_HUB_DOWNLOAD_TIMEOUT": "60",
        ]
        environment.merge(more) { $1 }
        let found = ModelStore(environment: environment)
        return ModelStore(
            root: found.root, isOffline: found.isOffline, hub: HubSettings(environment: environment, firstDelay: 0.01))
    }

    private func folder(_ name: String = "") -> FilePath { directory("hub/models--org--tiny").appending(name) }

    private func fetch(_ name: String = "org/tiny", _ change: (inout FetchOptions) -> Void = { _ in }) async throws
        -> FilePath
    {
        var options = FetchOptions()
        change(&options)
        return try await store().fetch(name, options).path
    }

    private func failure(_ name: String = "org/tiny", _ environment: [String: String] = [:]) async -> StoreError? {
        do {
            _ = try await store(environment).fetch(name)
            return nil
        } catch { return error }
    }

    private func isClean() -> Bool { store().repositories == [] }

    private func paths(below path: FilePath) -> [String] {
        ModelDirectory(path).files.map { $0.string.replacing(path.string + "/", with: "") }
    }

    // MARK: What is fetched

    @Test("a repository becomes blobs, links to them and a reference, of the needed files alone")
    func layout() async throws {
        let path = try await fetch()
        #expect(path == folder("snapshots").appending(repository.commit))
        #expect(paths(below: path) == ["README.md", "config.json", "model.safetensors", "vocab.txt"])
        for file in paths(below: path) {
            #expect(contents(of: path.appending(file)) == repository.files[file])
            let link = try FileManager.default.destinationOfSymbolicLink(atPath: path.appending(file).string)
            #expect(link == "../../blobs/\(repository.hash(file))")
        }
        #expect(contents(of: folder("refs/main")) == Array(repository.commit.utf8))
        #expect(contents(of: folder(".no_exist/\(repository.commit)/tokenizer.json")) == [])
        #expect(
            contents(of: directory("hub/CACHEDIR.TAG"))?.starts(with: Array("Signature: 8a477f597d28".utf8)) == true)
        #expect(
            try FileManager.default.subpathsOfDirectory(atPath: directory("hub/.locks").string) == ["models--org--tiny"]
        )
        #expect(try store().resolve("org/tiny").path == path)
        let weights = try ModelDirectory(path).openWeights()
        #expect(try weights.files.map { try MappedFile($0).count } == [repository.files["model.safetensors"]?.count])
    }

    @Test("a model on the disk is not looked up; offline nothing is requested")
    func noRequests() async throws {
        let offline = ["HF_HUB_OFFLINE": "1"]
        #expect(await failure("org/tiny", offline) == .offline(name: "org/tiny"))
        #expect(await failure("org/tiny", ["TRANSFORMERS_OFFLINE": "1"]) == .offline(name: "org/tiny"))
        #expect(server.requests.isEmpty)
        let path = try await fetch()
        server.forgetRequests()
        let again = try await store().fetch("org/tiny")
        #expect(again.wasPresent && again.path == path)
        let offlineAgain = try await store(offline).fetch("tiny")
        #expect(offlineAgain.wasPresent)
        #expect(server.requests.isEmpty)
    }

    @Test("a branch, a tag and a commit are fetched beside main, and named with @")
    func revisions() async throws {
        var repository = repository
        let old = String(repeating: "0123456789", count: 4)
        repository.revisions = ["v1.0": old, "feature/x": old, old: old]
        server.answer { [repository] in repository.answer($0) }
        #expect(try await fetch("org/tiny@v1.0") == folder("snapshots/\(old)"))
        #expect(contents(of: folder("refs/v1.0")) == Array(old.utf8))
        #expect(try await fetch { $0.revision = "feature/x" } == folder("snapshots/\(old)"))
        #expect(contents(of: folder("refs/feature/x")) == Array(old.utf8))
        #expect(try store().resolve("tiny@feature/x").path == folder("snapshots/\(old)"))
        #expect(try store().resolve("org/tiny@\(old)").path == folder("snapshots/\(old)"))
        #expect(throws: StoreError.notFound(name: "org/tiny", store: store().root, isKnown: true)) {
            try store().resolve("org/tiny")
        }
        server.forgetRequests()
        #expect(try await store().fetch("org/tiny@\(old)").wasPresent)
        #expect(server.requests.isEmpty)
        #expect(await failure("org/tiny@v2") == .hub(.revisionNotFound(name: "org/tiny", revision: "v2")))
        #expect(await failure("org/tiny@../x") == .invalidRevision(name: "org/tiny", revision: "../x"))
    }

    @Test("--update asks for a newer commit and downloads what has changed")
    func update() async throws {
        _ = try await fetch()
        server.forgetRequests()
        #expect(try await fetch { $0.updates = true } == folder("snapshots/\(repository.commit)"))
        #expect(server.requests.count == 1)
        var newer = repository
        newer.commit = String(repeating: "d00d", count: 10)
        newer.files["README.md"] = Array("# Newer\n".utf8)
        server.answer { [newer] in newer.answer($0) }
        server.forgetRequests()
        #expect(try await fetch { $0.updates = true } == folder("snapshots/\(newer.commit)"))
        #expect(
            server.requests.map(\.path).filter { $0.contains("/resolve/") } == [
                "/org/tiny/resolve/\(newer.commit)/README.md"
            ])
    }

    @Test(
        "of several forms of the weights the first is taken; shards come with their index, modules with their folders")
    func choice() async throws {
        func chosen(_ names: [String], _ more: [String: String] = [:]) async throws -> [String] {
            var repository = HubRepository(files: [:])
            for name in names { repository.files[name] = Array("{}".utf8) }
            for (name, text) in more { repository.files[name] = Array(text.utf8) }
            server.answer { [repository] in repository.answer($0) }
            defer { try? FileManager.default.removeItem(atPath: directory("hub").string) }
            return paths(below: try await fetch())
        }
        let bin = ["config.json", "pytorch_model.bin"]
        #expect(try await chosen(bin + ["model.safetensors"]) == ["config.json", "model.safetensors"])
        #expect(try await chosen(bin + ["flax_model.msgpack", "openvino/x.bin"]) == bin)
        let index =
            "{\"weight_map\": {\"a\": \"one.safetensors\", \"b\": \"two.safetensors\", \"c\": \"one.safetensors\"}}"
        let shards = ["config.json", "one.safetensors", "two.safetensors"]
        #expect(
            try await chosen(bin + shards, ["model.safetensors.index.json": index])
                == ["config.json", "model.safetensors.index.json", "one.safetensors", "two.safetensors"])
        let modules = "[{\"path\": \"\"}, {\"path\": \"1_Pooling\"}, {\"path\": \"2_Dense\"}]"
        let sentences = [
            "1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors", "config.json",
            "config_sentence_transformers.json", "model.safetensors", "modules.json", "sentence_bert_config.json",
            "spiece.model",
        ]
        #expect(
            try await chosen(
                sentences + ["2_Dense/pytorch_model.bin", "3_Other/config.json"], ["modules.json": modules])
                == sentences)
        let adapter = ["adapter_config.json", "adapter_model.safetensors"]
        #expect(try await chosen(adapter + ["adapter_model.bin"]) == adapter)
        let adapterHub = ["adapter.safetensors", "adapter_config.json"]
        #expect(try await chosen(adapterHub + ["pytorch_adapter.bin"]) == adapterHub)
        #expect(try await chosen(["bert_config.json"] + bin.dropFirst()) == ["bert_config.json", "pytorch_model.bin"])
    }

    @Test("sizes that no file has are not believed, and nothing overflows")
    func hugeSizes() async throws {
        let repository = repository
        let sha256 = repository.hash("model.safetensors")
        let listing = repository.files.keys.map { file in
            "{\"rfilename\": \"\(file)\", \"size\": \(Int.max), \"lfs\": {\"sha256\": \"\(sha256)\", \"size\": \(Int.max)}}"
        }.joined(separator: ", ")
        server.answer { request in
            guard request.path.hasPrefix("/api/") else { return repository.answer(request) }
            return .init(200, [:], "{\"sha\": \"\(repository.commit)\", \"siblings\": [\(listing)]}")
        }
        // The hub says the right ones when it is asked for each file.
        #expect(paths(below: try await fetch()).count == 4)
        try FileManager.default.removeItem(atPath: directory("hub").string)
        var unlisted = repository
        unlisted.listsChecksums = false
        server.answer { [unlisted] request in
            var response = unlisted.answer(request)
            if response.headers["X-Linked-Size"] != nil { response.headers["X-Linked-Size"] = "\(Int.max)" }
            return response
        }
        #expect(await failure() == .hub(.noChecksum(name: "org/tiny", file: "model.safetensors")))
    }

    @Test("patterns choose other files, or leave some out")
    func patterns() async throws {
        let path = try await fetch { $0.include = ["onnx/", "README*"] }
        #expect(paths(below: path) == ["README.md", "onnx/model.onnx"])
        #expect(isClean())
        #expect(paths(below: try await fetch { $0.exclude = ["*.safetensors", "*.md"] }).contains("pytorch_model.bin"))
        await #expect(throws: StoreError.self) { try await fetch { $0.include = ["nothing*"] } }
    }

    @Test("what is left out is named with its size, and progress ends with all bytes")
    func reports() async throws {
        let events = Mutex<[FetchEvent]>([])
        _ = try await store().fetch("org/tiny") { event in events.withLock { $0.append(event) } }
        let all = events.withLock { $0 }
        #expect(all.contains(.note("left out tf_model.h5, pytorch_model.bin, onnx/ (6 MB)")))
        let total = ["README.md", "config.json", "model.safetensors", "vocab.txt"].reduce(0) {
            $0 + (repository.files[$1]?.count ?? 0)
        }
        #expect(all.last == .transferred(bytes: total, of: total, received: total))
    }

    @Test("a repository that cannot be run says what it lacks")
    func noModel() async {
        var repository = HubRepository(files: ["README.md": [1]])
        server.answer { [repository] in repository.answer($0) }
        #expect(await failure() == .hub(.noModel(name: "org/tiny", missing: "config.json", found: ["README.md"])))
        repository.files = ["config.json": [], "tf_model.h5": []]
        server.answer { [repository] in repository.answer($0) }
        #expect(
            await failure()
                == .hub(
                    .noModel(
                        name: "org/tiny", missing: "model.safetensors or pytorch_model.bin",
                        found: ["config.json", "tf_model.h5"])))
        let index = "model.safetensors.index.json"
        repository.files = ["config.json": [], index: Array("{\"weight_map\": {\"a\": \"../../x\"}}".utf8)]
        server.answer { [repository] in repository.answer($0) }
        #expect(await failure() == .hub(.missingShard(name: "org/tiny", index: index, file: "../../x")))
        #expect(isClean())
    }

    // MARK: What goes wrong on the way

    @Test("a connection that is cut again and again is continued where it broke off")
    func cuts() async throws {
        let (repository, weights) = (repository, repository.files["model.safetensors"] ?? [])
        server.answer { request in
            var response = repository.answer(request)
            if request.path.hasPrefix("/storage/") { response.cutAfter = min(response.body.count, weights.count / 7) }
            return response
        }
        let path = try await fetch()
        #expect(contents(of: path.appending("model.safetensors")) == weights)
        let ranges = server.requests.filter { $0.path.hasPrefix("/storage/") }.compactMap { $0.headers["range"] }
        #expect(ranges.count >= 6)
        #expect(ranges.first == "bytes=\(weights.count / 7)-")
    }

    @Test("a download that was given up is continued by the next run, from the .incomplete file")
    func resumption() async throws {
        let (repository, weights) = (repository, repository.files["model.safetensors"] ?? [])
        let partial = folder("blobs/\(repository.hash("model.safetensors")).incomplete")
        server.answer { request in
            var response = repository.answer(request)
            guard request.path.hasPrefix("/storage/") else { return response }
            if request.headers["range"] != nil { return .init(503) }
            response.cutAfter = 1000
            return response
        }
        guard case .hub(.status(_, 503, _))? = await failure() else {
            Issue.record("a broken download was accepted")
            return
        }
        #expect(contents(of: partial) == Array(weights.prefix(1000)))
        #expect(isClean())
        server.answer { repository.answer($0) }
        server.forgetRequests()
        let path = try await fetch()
        #expect(contents(of: path.appending("model.safetensors")) == weights)
        #expect(contents(of: partial) == nil)
        #expect(server.requests.contains { $0.path.hasPrefix("/storage/") && $0.headers["range"] == "bytes=1000-" })
    }

    @Test("what an earlier run left damaged, or too long, is downloaded afresh")
    func damagedPartial() async throws {
        let weights = repository.files["model.safetensors"] ?? []
        let partial = "hub/models--org--tiny/blobs/\(repository.hash("model.safetensors")).incomplete"
        for left in [[UInt8](repeating: 9, count: 500), [UInt8](repeating: 9, count: weights.count + 1)] {
            try directory.write(left, to: partial)
            let path = try await fetch()
            #expect(contents(of: path.appending("model.safetensors")) == weights)
            try FileManager.default.removeItem(atPath: directory("hub").string)
        }
    }

    @Test("a server that ignores ranges, or answers with another part, does not spoil the file")
    func ignoredRanges() async throws {
        let (repository, weights) = (repository, repository.files["model.safetensors"] ?? [])
        let blob = "hub/models--org--tiny/blobs/\(repository.hash("model.safetensors")).incomplete"
        for isWrongPart in [false, true] {
            try directory.write(Array(weights.prefix(700)), to: blob)
            server.answer { request in
                guard request.path.hasPrefix("/storage/") else { return repository.answer(request) }
                if isWrongPart, request.headers["range"] != nil {
                    return .init(206, ["Content-Range": "bytes 0-9/10"], Array(weights.prefix(10)))
                }
                return .init(200, [:], weights)
            }
            let path = try await fetch()
            #expect(contents(of: path.appending("model.safetensors")) == weights)
            try FileManager.default.removeItem(atPath: directory("hub").string)
        }
    }

    @Test("contents with a wrong checksum or length are refused, and nothing of them is kept")
    func wrongContents() async throws {
        let repository = repository
        for file in ["model.safetensors", "vocab.txt"] {
            let right = repository.files[file] ?? []
            let target = folder("blobs/\(repository.hash(file))")
            for body in [right.dropLast() + [7], right + [7]] {
                server.answer { request in
                    let isFile =
                        request.path.hasSuffix("/\(file)")
                        && !(request.path.contains("/resolve/") && file.hasPrefix("model"))
                    return isFile ? .init(200, [:], Array(body)) : repository.answer(request)
                }
                switch await failure() {
                case .hub(.wrongChecksum(file, _, repository.hash(file))): #expect(body.count == right.count)
                case .hub(.wrongLength(file, right.count)): #expect(body.count > right.count)
                case let other: Issue.record("\(String(describing: other))")
                }
                #expect(isClean())
                #expect(contents(of: target) == nil)
                #expect(contents(of: FilePath(target.string + ".incomplete")) == nil)
                try FileManager.default.removeItem(atPath: directory("hub").string)
            }
        }
    }

    @Test("what comes with 416 is no content where no range was asked for")
    func unaskedRange() async {
        let (repository, weights) = (repository, repository.files["model.safetensors"] ?? [])
        server.answer { $0.path.hasPrefix("/storage/") ? .init(416, [:], weights) : repository.answer($0) }
        #expect(
            await failure()
                == .hub(.status(url: "\(server.address)/storage/model.safetensors", code: 416, message: nil)))
        #expect(isClean())
    }

    @Test(
        "a Content-Length that is too small, or larger than what comes, ends in an error")
    func wrongLengths() async {
        let (repository, weights) = (repository, repository.files["model.safetensors"] ?? [])
        func answer(_ length: Int, _ body: [UInt8]) {
            server.answer { request in
                guard request.path.hasPrefix("/storage/") else { return repository.answer(request) }
                var response = LocalServer.Response(200, ["Content-Length": "\(length)"], body)
                response.cutAfter = body.count
                return response
            }
        }
        answer(10, weights)
        // The bytes after the tenth are no answer to anything, which the client may see before it hands out the ten.
        let first = await failure()
        guard case .hub(.interrupted("model.safetensors", 0...10, weights.count, _))? = first else {
            Issue.record("\(String(describing: first))")
            return
        }
        answer(weights.count, weights.dropLast(5))
        let second = await failure()
        guard case .hub(.interrupted("model.safetensors", ..<weights.count, weights.count, _))? = second else {
            Issue.record("\(String(describing: second))")
            return
        }
        #expect(isClean())
    }

    @Test("an answer that stalls ends after HF_HUB_DOWNLOAD_TIMEOUT, one that never comes after HF_HUB_ETAG_TIMEOUT")
    func timeouts() async throws {
        let (repository, weights) = (repository, repository.files["model.safetensors"] ?? [])
        server.answer { request in
            var response = repository.answer(request)
            // Once only: the second request continues.
            if request.path.hasPrefix("/storage/"), request.headers["range"] == nil { response.stallAfter = 100 }
            return response
        }
        let patience = ["HF_HUB_ETAG_TIMEOUT": "2", "HF_HUB_DOWNLOAD_TIMEOUT": "2"]
        let path = try await store(patience).fetch("org/tiny").path
        #expect(contents(of: path.appending("model.safetensors")) == weights)
        server.answer { request in
            var response = repository.answer(request)
            response.stallAfter = 0
            return response
        }
        let stalled = "org/tiny@\(repository.commit)"
        try FileManager.default.removeItem(atPath: directory("hub").string)
        guard case .hub(.timedOut(_, 2))? = await failure(stalled, patience) else { throw Errno.ioError }
        #expect(server.requests.filter { $0.path.hasSuffix(repository.commit) }.count == 3)
    }

    @Test("answers of 429 and 5xx are asked for again, as long as the server says, and not for ever")
    func retries() async throws {
        let repository = repository
        let counts = Mutex<[String: Int]>([:])
        server.answer { request in
            let number = counts.withLock { counts in
                counts[request.path, default: 0] += 1
                return counts[request.path, default: 0]
            }
            if request.path.hasPrefix("/storage/") { return repository.answer(request) }
            if number == 1 { return .init(429, ["Retry-After": "0"]) }
            if number == 2 { return .init(503) }
            return repository.answer(request)
        }
        _ = try await fetch()
        server.answer { _ in .init(429, ["Retry-After": "3600"]) }
        server.forgetRequests()
        #expect(await failure("org/other") == .hub(.rateLimited(host: "127.0.0.1", seconds: 3600)))
        #expect(server.requests.count == 1)
        server.answer { _ in .init(502) }
        server.forgetRequests()
        guard case .hub(.status(_, 502, nil))? = await failure("org/other") else { throw Errno.ioError }
        #expect(server.requests.count == 5)
        let closed = ["HF_ENDPOINT": "http://127.0.0.1:1"]
        guard case .hub(.unreachable("127.0.0.1", _))? = await failure("org/other", closed) else { throw Errno.ioError }
    }

    @Test("an unknown repository or file, a gated one and a token that is refused are told apart")
    func refusals() async {
        let (endpoint, tokenPath) = (server.address, directory("token"))
        #expect(
            await failure("org/other")
                == .hub(
                    .repositoryNotFound(name: "org/other", endpoint: endpoint, hasToken: false, tokenPath: tokenPath)))
        let repository = repository
        func answer(_ status: Int, _ headers: [String: String], to part: String) {
            server.answer { $0.path.contains(part) ? .init(status, headers) : repository.answer($0) }
        }
        answer(404, ["X-Error-Code": "EntryNotFound"], to: "vocab.txt")
        #expect(await failure() == .hub(.fileNotFound(name: "org/tiny", file: "vocab.txt")))
        answer(403, ["X-Error-Code": "GatedRepo"], to: "/resolve/")
        #expect(
            await failure()
                == .hub(.gated(name: "org/tiny", endpoint: endpoint, hasToken: false, tokenPath: tokenPath)))
        #expect(
            await failure("org/tiny", ["HF_TOKEN": "hf_a"])
                == .hub(.gated(name: "org/tiny", endpoint: endpoint, hasToken: true, tokenPath: tokenPath)))
        answer(401, ["X-Error-Message": "Invalid credentials in Authorization header"], to: "/api/")
        #expect(
            await failure("org/tiny", ["HF_TOKEN": "hf_a"])
                == .hub(.refusedToken(name: "org/tiny", tokenPath: tokenPath)))
        #expect(
            await failure("org/tiny", ["HF_TOKEN": "hf_a\nX-Other: b"]) == .hub(.invalidToken(source: "HF_TOKEN")))
        #expect(isClean())
    }

    @Test("a signed link that the storage refuses is told from a model that is not there; no message shows a secret")
    func secrets() async throws {
        let repository = repository
        let storage = try LocalServer()
        for (code, expected) in [
            (403, HubError.refusedLink(file: "model.safetensors", host: "127.0.0.1", code: 403)),
            (500, .status(url: "\(storage.address)/storage/model.safetensors", code: 500, message: nil)),
        ] {
            storage.answer { _ in .init(code) }
            server.answer { request in
                var response = repository.answer(request)
                if let location = response.headers["Location"] {
                    response.headers["Location"] = "\(storage.address)\(location)?Signature=secret"
                }
                return response
            }
            #expect(await failure() == .hub(expected))
        }
        server.answer { _ in .init(302, ["Location": "ftp://user:secret@127.0.0.1/x?Signature=secret"]) }
        let withPassword = ["HF_ENDPOINT": server.address.replacing("//", with: "//user:secret@")]
        let listing = "\(server.address)/api/models/org/tiny/revision/main"
        #expect(
            await failure("org/tiny", withPassword) == .hub(.badRedirect(url: listing, location: "ftp://127.0.0.1/x")))
        server.answer { _ in .init(404) }
        #expect(
            await failure("org/tiny", withPassword)
                == .hub(
                    .repositoryNotFound(
                        name: "org/tiny", endpoint: server.address, hasToken: false, tokenPath: directory("token"))))
        #expect(
            await failure("org/tiny", ["HF_ENDPOINT": "user:secret@hub"]) == .hub(.invalidEndpoint("hub")))
    }

    @Test("a proxy that does not speak HTTP is not used, which is said")
    func otherProxies() async throws {
        let events = Mutex<[FetchEvent]>([])
        _ = try await store(["ALL_PROXY": "socks5://127.0.0.1:1"]).fetch("org/tiny") { event in
            events.withLock { $0.append(event) }
        }
        let note = "ALL_PROXY names no proxy for HTTP (http://HOST:PORT) and is not used"
        #expect(events.withLock { $0 }.contains(.note(note)))
    }

    @Test("the token goes to the hub, never to the host that a redirect leads to")
    func tokens() async throws {
        let storage = try LocalServer()
        var repository = repository
        // The same machine under the same name, another port: another server all the same.
        repository.storage = storage.address
        server.answer { [repository] in repository.answer($0) }
        storage.answer { [repository] in repository.answer($0) }
        try directory.write("hf_secret\n", to: "token")
        _ = try await fetch()
        #expect(!server.requests.isEmpty && storage.requests.count == 1)
        #expect(server.requests.allSatisfy { $0.headers["authorization"] == "Bearer hf_secret" })
        #expect(storage.requests.allSatisfy { $0.headers["authorization"] == nil })
        #expect(storage.requests.allSatisfy { !"\($0)".contains("hf_secret") })
    }

    @Test("relative redirects are followed; loops, and those that lead nowhere or to another scheme, are refused")
    func redirects() async throws {
        let repository = repository
        server.answer { request in
            if request.path.hasPrefix("/api/models/old/") {
                return .init(307, ["Location": "/api/models/org/tiny/revision/main"])
            }
            if request.path.hasPrefix("/old/name/resolve") {
                return .init(307, ["Location": "../../../../org/tiny/" + request.path.dropFirst("/old/name/".count)])
            }
            return repository.answer(request)
        }
        let path = try await fetch("old/name")
        #expect(path == directory("hub/models--old--name/snapshots/\(repository.commit)"))
        server.answer { .init(302, ["Location": $0.path]) }
        guard case .hub(.tooManyRedirects(_, 10))? = await failure() else { throw Errno.ioError }
        for location in ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://"] {
            server.answer { _ in .init(302, ["Location": location]) }
            guard case .hub(.badRedirect(_, location))? = await failure() else { throw Errno.ioError }
        }
        server.answer { _ in .init(302) }
        guard case .hub(.badRedirect(_, nil))? = await failure() else { throw Errno.ioError }
    }

    @Test("a hub whose listing has no checksums is asked for each file; without an ETag nothing is downloaded")
    func checksums() async throws {
        var repository = repository
        repository.listsChecksums = false
        repository.storage = "http://127.0.0.1:1"
        let storage = try LocalServer()
        repository.storage = storage.address
        storage.answer { [repository] in repository.answer($0) }
        server.answer { [repository] in repository.answer($0) }
        let path = try await fetch()
        #expect(contents(of: path.appending("vocab.txt")) == repository.files["vocab.txt"])
        #expect(storage.requests.allSatisfy { $0.method == "GET" })
        try FileManager.default.removeItem(atPath: directory("hub").string)
        server.answer { [repository] request in
            var response = repository.answer(request)
            response.headers["ETag"] = nil
            return response
        }
        #expect(await failure() == .hub(.noChecksum(name: "org/tiny", file: "README.md")))
        #expect(isClean())
    }

    @Test("names that lead out of the repository are refused before anything is downloaded")
    func hostileNames() async {
        let sha = repository.commit
        for name in ["../x", "/etc/passwd", "a/../../b", "a//b", "", ".", "a/", "x\\u0000y", "x\\ny"] {
            server.answer { _ in
                .init(200, [:], "{\"sha\": \"\(sha)\", \"siblings\": [{\"rfilename\": \"\(name)\"}]}")
            }
            guard case .hub(.unsafeName("org/tiny", _))? = await failure() else {
                Issue.record("\(name) was accepted")
                continue
            }
        }
        #expect(server.requests.allSatisfy { $0.path.hasPrefix("/api/") })
        for sha in ["", "../../x", String(repeating: "g", count: 40)] {
            server.answer { _ in .init(200, [:], "{\"sha\": \"\(sha)\", \"siblings\": []}") }
            guard case .hub(.invalidListing("org/tiny", "sha", _))? = await failure() else {
                Issue.record("\(sha) was accepted")
                continue
            }
        }
    }

    @Test("HTML in place of JSON, a listing that breaks off, and one without end are refused")
    func listings() async {
        server.answer { _ in .init(200, [:], "<!DOCTYPE html><html>Log in</html>") }
        guard case .hub(.notJSON(_, "an HTML page"))? = await failure() else {
            Issue.record("HTML was accepted")
            return
        }
        server.answer { _ in .init(200, [:], "{\"sha\": ") }
        guard case .hub(.notJSON)? = await failure() else {
            Issue.record("a broken listing was accepted")
            return
        }
        let endless = [UInt8](repeating: UInt8(ascii: " "), count: 65 << 20)
        server.answer { _ in .init(200, [:], endless) }
        #expect(await failure() == .hub(.listingTooLarge(name: "org/tiny", limit: 64 << 20)))
    }

    @Test("twenty thousand files in a listing are no trouble")
    func manyFiles() async throws {
        var repository = repository
        for index in 0..<20_000 { repository.files["checkpoints/\(index).bin"] = [] }
        server.answer { [repository] in repository.answer($0) }
        #expect(paths(below: try await fetch()).count == 4)
    }

    // MARK: Several at once, and those that were killed

    @Test("two fetches at the same time download once, and both succeed")
    func concurrency() async throws {
        let store = store()
        async let first = store.fetch("org/tiny")
        async let second = store.fetch("org/tiny")
        let (one, two) = try await (first, second)
        #expect(one.path == two.path)
        #expect(server.requests.filter { $0.path.hasPrefix("/storage/") }.count == 1)
        #expect(contents(of: one.path.appending("model.safetensors")) == repository.files["model.safetensors"])
    }

    @Test("a snapshot that lacks its weights, as Python may leave it, is completed")
    func partialSnapshot() async throws {
        try directory.write("{}", to: "hub/models--org--tiny/snapshots/\(repository.commit)/config.json")
        try directory.write(repository.commit, to: "hub/models--org--tiny/refs/main")
        let fetched = try await store().fetch("org/tiny")
        #expect(!fetched.wasPresent)
        #expect(paths(below: fetched.path).contains("model.safetensors"))
    }

    @Test("a snapshot that lacks its tokenizer, as Python's AutoModel leaves it, is completed")
    func snapshotWithoutTokenizer() async throws {
        let snapshot = "hub/models--org--tiny/snapshots/\(repository.commit)"
        for file in ["config.json", "model.safetensors"] {
            try directory.write(repository.files[file] ?? [], to: "\(snapshot)/\(file)")
        }
        try directory.write(repository.commit, to: "hub/models--org--tiny/refs/main")
        let fetched = try await store().fetch("org/tiny")
        #expect(!fetched.wasPresent)
        #expect(paths(below: fetched.path).contains("vocab.txt"))
        #expect(try await store().fetch("org/tiny").wasPresent)
    }

    @Test("a model in the folder of its first module is complete there")
    func moduleFolder() async throws {
        let snapshot = "hub/models--org--tiny/snapshots/\(repository.commit)"
        for (file, text) in [
            ("modules.json", #"[{"path": "0_StaticEmbedding"}]"#), ("0_StaticEmbedding/model.safetensors", "x"),
            ("0_StaticEmbedding/tokenizer.json", "{}"),
        ] { try directory.write(text, to: "\(snapshot)/\(file)") }
        try directory.write(repository.commit, to: "hub/models--org--tiny/refs/main")
        #expect(try await store().fetch("org/tiny").wasPresent)
        #expect(server.requests.isEmpty)
    }

    @Test("a repository without a tokenizer is complete without one, and not asked for again")
    func noTokenizer() async throws {
        var repository = repository
        repository.files["vocab.txt"] = nil
        server.answer { [repository] in repository.answer($0) }
        #expect(paths(below: try await fetch()) == ["README.md", "config.json", "model.safetensors"])
        server.forgetRequests()
        #expect(try await store().fetch("org/tiny").wasPresent)
        #expect(server.requests.isEmpty)
    }
}
