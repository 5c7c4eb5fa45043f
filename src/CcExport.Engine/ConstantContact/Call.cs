namespace CcExport.Engine.ConstantContact;

/// <summary>
/// One request of the API as the chain sees it. What a lost answer means differs: a read, or what changes nothing further, can be asked for
/// again, an import can't.
/// </summary>
internal sealed class Call
{
    private Call(Uri address, string what, string? privilege, string? scope, ReadOnlyMemory<byte>? body)
    {
        Address = address;
        What = what;
        Privilege = privilege;
        Scope = scope;
        Body = body;
    }

    public Uri Address { get; }
    /// <summary>What it does, for messages: "reading the lists".</summary>
    public string What { get; }
    /// <summary>What the signed-in user must be allowed to; null for the one call that asks just this.</summary>
    public string? Privilege { get; }
    public string? Scope { get; }
    public ReadOnlyMemory<byte>? Body { get; }
    public bool IsImport { get; private init; }
    public HttpMethod Method { get; private init; } = HttpMethod.Get;
    /// <summary>Takes the body of a good answer as it comes, instead of having it in memory. Begins anew when the call is repeated.</summary>
    public Func<Stream, CancellationToken, Task>? Reader { get; private init; }

    /// <summary>A missing thing, or a closed door, is an answer and not a failure.</summary>
    public bool NotFoundIsAnswer { get; private init; }
    public bool ForbiddenIsAnswer { get; private init; }

    public static Call Read(Uri address, string what, string? privilege, string? scope = "contact_data", bool notFound = false, bool forbidden = false)
        => new(address, what, privilege, scope, null) { NotFoundIsAnswer = notFound, ForbiddenIsAnswer = forbidden };

    /// <summary>Asked when the call has its place and is about to leave, before each try; throws when it must not leave any more.</summary>
    public Func<CancellationToken, Task>? BeforeTry { get; private init; }

    public static Call Import(Uri address, ReadOnlyMemory<byte> body, Func<CancellationToken, Task>? beforeTry)
        => new(address, "sending the import", "contacts:write", "contact_data", body) { IsImport = true, Method = HttpMethod.Post, BeforeTry = beforeTry };

    /// <summary>Starts a job, or makes something, that may be asked for twice without harm.</summary>
    public static Call Ask(Uri address, string what, string privilege, ReadOnlyMemory<byte> body)
        => new(address, what, privilege, "contact_data", body) { Method = HttpMethod.Post };

    /// <summary>What is gone already is an answer: the first try may have done it.</summary>
    public static Call Delete(Uri address, string what, string privilege)
        => new(address, what, privilege, "contact_data", null) { Method = HttpMethod.Delete, NotFoundIsAnswer = true };

    /// <summary>Fetches a file.</summary>
    public static Call Download(Uri address, string what, string privilege, Func<Stream, CancellationToken, Task> reader)
        => new(address, what, privilege, "contact_data", null) { Reader = reader, NotFoundIsAnswer = true };

    /// <summary>The same call for a further page.</summary>
    public Call At(Uri address) => new(address, What, Privilege, Scope, Body);

    public TimeSpan Timeout(WireOptions options) => IsImport ? options.ImportTimeout : Reader is null ? options.ReadTimeout : options.DownloadTimeout;
}
