using System.Collections.Concurrent;
using CcExport.Engine.Identity;
using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.ConstantContact.Support;

/// <summary>Connections in memory; <see cref="BeforeSave"/> lets a test look, wait, fail or be quicker.</summary>
internal sealed class InMemoryConnections : IConnectionStore
{
    private readonly ConcurrentDictionary<Guid, ConnectionRecord> _records = new();

    public Action<Guid>? BeforeSave { get; set; }
    public int Saves { get; private set; }

    public ConnectionRecord this[Guid id]
    {
        get => _records[id];
        set => _records[id] = value;
    }

    public Task<IReadOnlyList<ConnectionRecord>> ListAsync(CancellationToken ct) => Task.FromResult<IReadOnlyList<ConnectionRecord>>([.. _records.Values]);

    public Task<ConnectionRecord?> FindAsync(string name, CancellationToken ct)
        => Task.FromResult(_records.Values.FirstOrDefault(r => r.Name.Equals(name, StringComparison.OrdinalIgnoreCase)));

    public Task<ConnectionRecord?> FindAsync(Guid id, CancellationToken ct) => Task.FromResult(_records.GetValueOrDefault(id));

    public Task AddAsync(ConnectionRecord record, CancellationToken ct)
    {
        _records[record.Id] = record;
        return Task.CompletedTask;
    }

    public Task UpdateAsync(ConnectionRecord record, CancellationToken ct)
    {
        lock (_records) _records[record.Id] = record with { Secrets = _records[record.Id].Secrets, SecretsVersion = _records[record.Id].SecretsVersion };
        return Task.CompletedTask;
    }

    public Task<bool> SaveSecretsAsync(Guid id, long expectedVersion, byte[] secrets, DateTimeOffset refreshTokenIssuedAt, CancellationToken ct)
    {
        BeforeSave?.Invoke(id);
        lock (_records)
        {
            ConnectionRecord record = _records[id];
            if (record.SecretsVersion != expectedVersion) return Task.FromResult(false);
            _records[id] = record with { Secrets = secrets, SecretsVersion = expectedVersion + 1, RefreshTokenIssuedAt = refreshTokenIssuedAt };
            Saves++;
            return Task.FromResult(true);
        }
    }

    public Task RemoveAsync(Guid id, CancellationToken ct)
    {
        _records.TryRemove(id, out _);
        return Task.CompletedTask;
    }
}

/// <summary>Four places a key and a count a day, as the contract says, the obvious way.</summary>
internal sealed class InMemoryLedger : ICallLedger
{
    private readonly Dictionary<string, (DateTimeOffset FreeAt, long Ticket)[]> _places = [];
    private readonly Dictionary<(string, DateOnly), (long Calls, bool Ended)> _days = [];
    private long _tickets;

    public int Asked { get; private set; }
    public int Released { get; private set; }
    public bool FailRelease { get; set; }
    public List<(DateTimeOffset Now, DateTimeOffset HeldUntil)> Taken { get; } = [];

    public Task<CallPlace> TryTakeAsync(string apiKey, DateTimeOffset now, DateTimeOffset heldUntil, int callsPerDay, CancellationToken ct, string spender = "")
    {
        lock (_places)
        {
            Asked++;
            (string, DateOnly) day = (apiKey, DateOnly.FromDateTime(now.UtcDateTime));
            (long calls, bool ended) = _days.GetValueOrDefault(day);
            if (ended || calls >= callsPerDay) return Task.FromResult(new CallPlace(-1, 0, TimeSpan.Zero, true));
            if (!_places.TryGetValue(apiKey, out (DateTimeOffset FreeAt, long Ticket)[]? places)) _places[apiKey] = places = new (DateTimeOffset, long)[Limits.CallsPerSecond];
            int slot = Array.FindIndex(places, place => place.FreeAt <= now);
            if (slot < 0) return Task.FromResult(new CallPlace(-1, 0, places.Min(place => place.FreeAt) - now, false));
            places[slot] = (heldUntil, ++_tickets);
            _days[day] = (calls + 1, false);
            Taken.Add((now, heldUntil));
            return Task.FromResult(new CallPlace(slot, _tickets, TimeSpan.Zero, false));
        }
    }

    public Task ReleaseAsync(string apiKey, CallPlace place, DateTimeOffset freeAt, CancellationToken ct)
    {
        if (FailRelease) throw new CcException("StoreUnreadable", CcErrorKind.Storage, "The disk is gone.");
        lock (_places)
        {
            Released++;
            if (_places[apiKey][place.Slot].Ticket == place.Ticket) _places[apiKey][place.Slot] = (freeAt, place.Ticket);
        }
        return Task.CompletedTask;
    }

    public Task MarkDayEndedAsync(string apiKey, DateTimeOffset now, CancellationToken ct)
    {
        lock (_places)
        {
            (string, DateOnly) day = (apiKey, DateOnly.FromDateTime(now.UtcDateTime));
            _days[day] = (_days.GetValueOrDefault(day).Calls, true);
        }
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<CallsSpent>> GetSpentAsync(string apiKey, DateTimeOffset now, CancellationToken ct) => Task.FromResult<IReadOnlyList<CallsSpent>>([]);

    public Task ReserveAsync(string apiKey, int calls, CancellationToken ct) => throw new NotSupportedException();

    public Task<CallUse> GetUseAsync(string apiKey, DateTimeOffset now, CancellationToken ct)
    {
        lock (_places)
        {
            var day = DateOnly.FromDateTime(now.UtcDateTime);
            (long calls, bool ended) = _days.GetValueOrDefault((apiKey, day));
            return Task.FromResult(new CallUse(day, calls, ended));
        }
    }
}

internal sealed class InMemoryLeases : ILeaseStore
{
    private readonly Dictionary<string, (LeaseOwner Owner, DateTimeOffset Expires)> _leases = [];

    /// <summary>Called when someone finds a lease taken: what the other holder does meanwhile.</summary>
    public Action<string>? WhenTaken { get; set; }
    public bool LoseOnRenew { get; set; }

    public void Hold(string name, DateTimeOffset expires)
    {
        lock (_leases) _leases[name] = (new LeaseOwner(Guid.NewGuid(), "elsewhere", 1, 1, "test"), expires);
    }

    public void Free(string name)
    {
        lock (_leases) _leases.Remove(name);
    }

    public bool IsHeld(string name, DateTimeOffset now)
    {
        lock (_leases) return _leases.TryGetValue(name, out (LeaseOwner Owner, DateTimeOffset Expires) lease) && lease.Expires > now;
    }

    public Task<LeaseAnswer> TryTakeAsync(string name, LeaseOwner owner, DateTimeOffset now, DateTimeOffset expires, CancellationToken ct)
    {
        (LeaseOwner Owner, DateTimeOffset Expires) lease;
        lock (_leases)
        {
            if (!_leases.TryGetValue(name, out lease) || lease.Expires <= now)
            {
                _leases[name] = (owner, expires);
                return Task.FromResult(new LeaseAnswer(true, null, null, false));
            }
        }
        WhenTaken?.Invoke(name);
        return Task.FromResult(new LeaseAnswer(false, lease.Owner, lease.Expires, false));
    }

    public Task<bool> RenewAsync(string name, LeaseOwner owner, DateTimeOffset expires, CancellationToken ct)
    {
        lock (_leases)
        {
            if (LoseOnRenew && name.StartsWith("token/", StringComparison.Ordinal))
            {
                LoseOnRenew = false;
                _leases.Remove(name);
            }
            if (!_leases.TryGetValue(name, out (LeaseOwner Owner, DateTimeOffset Expires) lease) || lease.Owner != owner) return Task.FromResult(false);
            _leases[name] = (owner, expires);
            return Task.FromResult(true);
        }
    }

    public Task<IReadOnlyDictionary<string, LeaseOwner>> GetHeldAsync(IReadOnlyCollection<string> names, DateTimeOffset now, CancellationToken ct)
    {
        lock (_leases)
        {
            return Task.FromResult<IReadOnlyDictionary<string, LeaseOwner>>(
                _leases.Where(l => names.Contains(l.Key) && l.Value.Expires > now).ToDictionary(l => l.Key, l => l.Value.Owner));
        }
    }

    public Task ReleaseAsync(string name, LeaseOwner owner, CancellationToken ct)
    {
        lock (_leases)
        {
            if (_leases.TryGetValue(name, out (LeaseOwner Owner, DateTimeOffset Expires) lease) && lease.Owner == owner) _leases.Remove(name);
        }
        return Task.CompletedTask;
    }
}

/// <summary>Not secret, but what was put in for one purpose does not come out for another, and is not readable as it lies there.</summary>
internal sealed class ScrambleBox : ISecretBox
{
    public Task UnlockAsync(CancellationToken ct) => Task.CompletedTask;

    public byte[] Protect(string purpose, ReadOnlySpan<byte> plain) => Scramble(purpose, plain);

    public byte[] Unprotect(string purpose, ReadOnlySpan<byte> protectedBytes) => Scramble(purpose, protectedBytes);

    private static byte[] Scramble(string purpose, ReadOnlySpan<byte> bytes)
    {
        byte[] result = bytes.ToArray();
        for (int i = 0; i < result.Length; i++) result[i] ^= (byte)(0x80 | purpose[i % purpose.Length]);
        return result;
    }
}
