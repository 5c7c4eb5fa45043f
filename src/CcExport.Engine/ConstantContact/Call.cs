namespace CcExport.Engine.ConstantContact;

/// <summary>One request of the API as the chain sees it. Two kinds differ in what a lost answer means: a read can be asked again, an import can't.</summary>
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
    public bool IsImport => Body is not null;

    /// <summary>A missing thing, or a closed door, is an answer and not a failure.</summary>
    public bool NotFoundIsAnswer { get; private init; }
    public bool ForbiddenIsAnswer { get; private init; }

    public static Call Read(Uri address, string what, string? privilege, string? scope = "contact_data", bool notFound = false, bool forbidden = false)
        => new(address, what, privilege, scope, null) { NotFoundIsAnswer = notFound, ForbiddenIsAnswer = forbidden };

    /// <summary>Asked when the call has its place and is about to leave, before each try; throws when it must not leave any more.</summary>
    public Func<CancellationToken, Task>? BeforeTry { get; private init; }

    public static Call Import(Uri address, ReadOnlyMemory<byte> body, Func<CancellationToken, Task>? beforeTry)
        => new(address, "sending the import", "contacts:write", "contact_data", body) { BeforeTry = beforeTry };

    /// <summary>The same call for a further page.</summary>
    public Call At(Uri address) => new(address, What, Privilege, Scope, Body);

    public TimeSpan Timeout(WireOptions options) => IsImport ? options.ImportTimeout : options.ReadTimeout;
}
