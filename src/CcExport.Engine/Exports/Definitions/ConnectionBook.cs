using CcExport.Engine.ConstantContact;
using CcExport.Engine.ConstantContact.SignIn;
using CcExport.Engine.ConstantContact.Tokens;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Connections: made by signing in, listed, and asked how they are.</summary>
internal sealed class ConnectionBook(EngineParts parts)
{
    /// <summary>A refresh token that is not used for so long lapses.</summary>
    public static readonly TimeSpan IdleLife = TimeSpan.FromDays(180);

    private static readonly TimeSpan WarnBefore = TimeSpan.FromDays(30);
    private static readonly string[] Needed = ["contacts:write", "contacts:read", "contacts:lists:read"];

    /// <summary>When the sign-in lapses, if that is less than 30 days off.</summary>
    public static DateTimeOffset? LapsesSoon(ConnectionRecord record, DateTimeOffset now)
        => record.RefreshTokenIssuedAt + IdleLife is var at && at - now < WarnBefore ? at : null;

    public async Task<Connection> AddAsync(NewConnection request, ISignInPrompt prompt, CancellationToken ct)
    {
        (Uri api, Uri authorization) = Endpoints.Validate(request.ApiEndpoint, request.AuthorizationEndpoint);
        // Asked before signing in: a rotating refresh token that is used up for a name that is taken would be lost.
        if (await parts.Store.Connections.FindAsync(request.Name, ct).ConfigureAwait(false) is not null)
        {
            throw new CcException("NameTaken", CcErrorKind.Conflict, $"There is a connection '{request.Name}' already.",
                "Choose another name, or remove that one first (Remove-CcConnection).")
            { Subject = request.Name };
        }
        var endpoint = new TokenEndpoint(parts.Wire, authorization, request.ClientId, request.ClientSecret);
        SignInResult result = await SignInAsync(endpoint, request.Method, request.RefreshToken, request.RedirectPort, prompt, ct).ConfigureAwait(false);
        var id = Guid.NewGuid();
        var record = new ConnectionRecord
        {
            Id = id,
            Name = request.Name,
            ClientId = request.ClientId,
            ApiEndpoint = api,
            AuthorizationEndpoint = authorization,
            ContactLimit = request.ContactLimit,
            AllowContributor = request.AllowContributor,
            ConsentedBy = request.ConsentedBy,
            ConsentedAt = parts.Time.GetUtcNow(),
            ConsentTextVersion = Identity.ConsentStatement.Version,
            CreatedAt = parts.Time.GetUtcNow(),
            RefreshTokenIssuedAt = result.IssuedAt,
            Secrets = ConnectionSecrets.From(result, request.ClientSecret).Protect(parts.Secrets, id),
        };
        // A token that is signed in belongs to nobody else: it is kept even if the person gives up waiting now.
        await parts.Store.Connections.AddAsync(record, CancellationToken.None).ConfigureAwait(false);
        return View(await WithAccountAsync(record, ct).ConfigureAwait(false));
    }

    public async Task<SignInResult> SignInAsync(TokenEndpoint endpoint, SignInMethod method, string? refreshToken, int? redirectPort, ISignInPrompt prompt, CancellationToken ct) => method switch
    {
        SignInMethod.RefreshToken => await new RefreshTokenSignIn(endpoint).RunAsync(refreshToken ?? "", ct).ConfigureAwait(false),
        SignInMethod.DeviceCode => await new DeviceCodeSignIn(parts.Wire, endpoint, prompt).RunAsync(ct).ConfigureAwait(false),
        _ => await new InteractiveSignIn(parts.Wire, endpoint, prompt, new InteractiveOptions
        {
            Redirect = redirectPort is { } port ? new Uri($"http://127.0.0.1:{port}/") : null,
        }).RunAsync(ct).ConfigureAwait(false),
    };

    /// <summary>Asks once who the account is; that it may not be told is no fault.</summary>
    public async Task<ConnectionRecord> WithAccountAsync(ConnectionRecord record, CancellationToken ct)
    {
        try
        {
            ConstantContactClient client = new(parts.Wire, record);
            await using (client.ConfigureAwait(false))
            {
                if (await client.GetAccountAsync(ct).ConfigureAwait(false) is not { } account) return record;
                ConnectionRecord named = record with { AccountId = account.EncodedAccountId, Organization = account.OrganizationName };
                await parts.Store.Connections.UpdateAsync(named, ct).ConfigureAwait(false);
                return named;
            }
        }
        catch (CcException e) when (e.Kind is not CcErrorKind.Storage)
        {
            return record;
        }
    }

    public async Task<IReadOnlyList<Connection>> ListAsync(CancellationToken ct)
        => [.. (await parts.Store.Connections.ListAsync(ct).ConfigureAwait(false)).Select(View)];

    public async Task<ConnectionRecord> FindAsync(string name, CancellationToken ct)
        => await parts.Store.Connections.FindAsync(name, ct).ConfigureAwait(false) ?? throw NotFound(name);

    /// <summary>What is wrong with a connection is what is asked for: it is answered, not thrown.</summary>
    public async Task<ConnectionHealth> TestAsync(string name, CancellationToken ct)
    {
        ConnectionRecord record = await FindAsync(name, ct).ConfigureAwait(false);
        List<string> findings = [];
        IReadOnlyList<string> privileges = [];
        ContactCounts? counts = null;
        string status = "Healthy";
        ConstantContactClient client = new(parts.Wire, record);
        await using (client.ConfigureAwait(false))
        {
            try
            {
                privileges = await client.GetPrivilegesAsync(ct).ConfigureAwait(false);
                string[] missing = [.. Needed.Except(privileges, StringComparer.OrdinalIgnoreCase)];
                if (missing.Length > 0)
                {
                    status = "PrivilegeMissing";
                    findings.Add($"The user who signed in lacks: {string.Join(", ", missing)}. Account owners and account managers have them; sign in as one.");
                }
                else
                {
                    counts = await client.GetContactCountsAsync(ct).ConfigureAwait(false);
                }
            }
            catch (CcException e)
            {
                status = e.ErrorId;
                findings.Add(e.Remedy is null ? e.Message : $"{e.Message} {e.Remedy}");
            }
        }
        record = await parts.Store.Connections.FindAsync(record.Id, ct).ConfigureAwait(false) ?? record;
        DateTimeOffset now = parts.Time.GetUtcNow(), expires = record.RefreshTokenIssuedAt + IdleLife;
        bool healthy = status == "Healthy";
        if (healthy && LapsesSoon(record, now) is not null)
        {
            status = "Warning";
            findings.Add($"The sign-in lapses on {expires:yyyy-MM-dd} unless it is used before.");
        }
        if (healthy && record.ContactLimit is { } limit && counts is not null && counts.Total > limit)
        {
            status = "Warning";
            findings.Add(Numbers($"The account holds {counts.Total:N0} contacts, more than the contract's {limit:N0}."));
        }
        CallUse use = await parts.Store.Calls.GetUseAsync(record.ClientId, now, ct).ConfigureAwait(false);
        if (findings.Count == 0) findings.Add("Exports can run.");
        return new ConnectionHealth
        {
            Connection = record.Name,
            Healthy = healthy,
            Status = status,
            Findings = findings,
            Organization = record.Organization,
            Privileges = privileges,
            Contacts = counts,
            ContactLimit = record.ContactLimit,
            SignInExpires = expires,
            CallsToday = use.Calls,
        };
    }

    public async Task<IReadOnlyList<Budget>> GetBudgetsAsync(string? name, CancellationToken ct)
    {
        IReadOnlyList<ConnectionRecord> connections = name is null
            ? await parts.Store.Connections.ListAsync(ct).ConfigureAwait(false)
            : [await FindAsync(name, ct).ConfigureAwait(false)];
        DateTimeOffset now = parts.Time.GetUtcNow();
        List<Budget> budgets = [];
        foreach (IGrouping<string, ConnectionRecord> key in connections.GroupBy(c => c.ClientId, StringComparer.Ordinal))
        {
            CallUse use = await parts.Store.Calls.GetUseAsync(key.Key, now, ct).ConfigureAwait(false);
            long left = use.Left(parts.Wire.Options.CallsPerDay);
            budgets.Add(new Budget
            {
                Connection = [.. key.Select(c => c.Name)],
                ClientId = key.Key,
                Day = use.Day,
                Used = use.Calls,
                Reserved = use.Reserved,
                Left = left,
                ContactsLeft = Math.Max(0, left - Limits.CallsBesideBatches) * Limits.BatchRows,
                SpentBy = [.. (await parts.Store.Calls.GetSpentAsync(key.Key, now, ct).ConfigureAwait(false)).Select(s => new BudgetSpender { Export = s.Spender.Length > 0 ? s.Spender : null, Machine = s.Machine, Calls = s.Calls })],
                ResetsAt = new DateTimeOffset(use.Day.AddDays(1), TimeOnly.MinValue, TimeSpan.Zero),
            });
        }
        return budgets;
    }

    public static CcException NotFound(string name) => new("ConnectionNotFound", CcErrorKind.NotFound, $"There is no connection '{name}'.",
        "Get-CcConnection lists those there are; New-CcConnection makes one.")
    { Subject = name };

    private static string Numbers(FormattableString text) => FormattableString.Invariant(text);

    public static Connection View(ConnectionRecord record) => record.ClientId.Length == 0
        // To a contributor the store shows no more than that it is there.
        ? new Connection { Name = record.Name, State = "Shared", AllowContributor = true }
        : new Connection
        {
            Name = record.Name,
            ClientId = record.ClientId,
            Organization = record.Organization,
            State = record.SignedOutAt is null ? "Ready" : "SignInAgain",
            ContactLimit = record.ContactLimit,
            AllowContributor = record.AllowContributor,
            ApiEndpoint = record.ApiEndpoint,
            AuthorizationEndpoint = record.AuthorizationEndpoint,
            ConsentedBy = record.ConsentedBy,
            ConsentedAt = record.ConsentedAt,
            ConsentTextVersion = record.ConsentTextVersion,
            CreatedAt = record.CreatedAt,
            SignInExpires = record.RefreshTokenIssuedAt + IdleLife,
        };
}
