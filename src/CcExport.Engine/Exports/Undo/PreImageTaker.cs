using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.Mapping;
using CcExport.Engine.PreImages;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>What the run that is about to send already knows of its list. It holds nobody: a contact's standing was sealed with it.</summary>
internal sealed record ListKnowledge(ContactList List, IReadOnlyList<CustomField> CustomFields)
{
    private readonly bool _membersKnown, _nobodyOn;

    public ListKnowledge(ContactList list, ListMemory memory, ListState state, IReadOnlyList<CustomField> customFields) : this(list, customFields)
    {
        _membersKnown = state.Others is not null;
        _nobodyOn = memory.Record?.Others == 0 && memory.IsEmpty && memory.Others.Count == 0;
    }

    /// <summary>What the members were when they were looked at; null, or not whole: not kept.</summary>
    public ListCopy? Copy { get; init; }

    /// <summary>Whether a contact was on the list when that was looked at, by the content that was sealed with it (<see cref="RowOrigin.IsNew"/>); null: not known.</summary>
    public bool? WasOn(ulong content) => _membersKnown ? (content & 1) == 0 : _nobodyOn ? false : null;
}

/// <summary>
/// Keeps what the contacts of a run were, before the first of them is sent, so that the run can be undone. Reads it at the least cost in calls: nothing when the account is
/// empty, a few contacts one by one, else a contact export of the list or of the account. A run never fails for it: what cannot be had is said, and why is written down.
/// </summary>
internal sealed class PreImageTaker(EngineParts parts, RunReporter reporter, ConstantContactClient client, ListKnowledge? known)
{
    public const string KeyPurpose = "preimage";

    /// <summary>Calls that following the run's jobs takes as a rule; they are left to it.</summary>
    private const int CallsToFollow = 3;

    /// <summary>And what taking people off the list takes, in mode Mirror.</summary>
    private const int CallsToRemove = 6;

    private const int ExportCalls = 3, FewContacts = 5, FewMembers = 1000;

    /// <summary>Does nothing when it has been taken. Of a run that has begun to send it is too late.</summary>
    /// <param name="calls">Calls that the run has made so far; one that goes on after it was interrupted has its number anew.</param>
    public async Task TakeAsync(RunRecord run, ExportDefinition definition, RunBatches batches, ISpool spool, int calls, CancellationToken ct)
    {
        if (definition.NoUndo || definition.Undoes is not null || !ToSend(batches).Any()) return;
        PreImageRecord? before = await parts.Store.PreImages.FindAsync(run.Id, ct).ConfigureAwait(false);
        if (before?.Key is not null) return;
        if (ToSend(batches).Any(b => b.State != BatchState.Sealed || b.Attempts > 0))
        {
            if (before is null) await PutAsync(run, null, null, "it had begun to send before its contacts' former values were read", ct).ConfigureAwait(false);
            return;
        }
        using ListCopy? copy = known?.Copy;
        reporter.Stage("Keeping", "Keeping what the contacts were, so that the run can be undone.");
        try
        {
            byte[] key = PreImageFile.NewKey();
            string file = PreImageFile.NewName(run.Id);
            using (var writer = new PreImageWriter(parts.Home, file, run.Id, key))
            {
                await new Taking(parts, client, known, run, definition, batches, spool, writer, Limits.CallsBesideBatches - CallsToFollow - (definition.Removal is null ? 0 : CallsToRemove) - (known is null ? 0 : calls)).TakeAsync(ct).ConfigureAwait(false);
                writer.Complete();
            }
            await PutAsync(run, file, key, null, ct).ConfigureAwait(false);
        }
        catch (CcException e) when (e.ErrorId is not ("LeaseLost" or "QuotaExceeded" or "RunStopped") && e.Kind is not CcErrorKind.Authentication)
        {
            reporter.Warning(FormattableString.Invariant($"Run {run.Id} cannot be undone later: what its contacts are now could not be read. {e.Message}"));
            await PutAsync(run, null, null, "what its contacts were before it could not be read: " + e.Message, ct).ConfigureAwait(false);
        }
    }

    /// <summary>Without those that were sealed anew because some of their contacts have left meanwhile.</summary>
    private static IEnumerable<BatchRecord> ToSend(RunBatches batches) => batches.All.Where(b => b.Outcome?.Verdict != Reasons.Replaced);

    private Task PutAsync(RunRecord run, string? file, byte[]? key, string? why, CancellationToken ct) => parts.Store.PreImages.PutAsync(new PreImageRecord
    {
        RunId = run.Id,
        CreatedAt = parts.Time.GetUtcNow(),
        File = file,
        Key = key is null ? null : parts.Secrets.Protect(KeyPurpose, key),
        Why = why,
    }, ct);

    /// <summary>One taking: the contacts of the run by the hash of their address, with the hashes of what is sent of each.</summary>
    private sealed class Taking(
        EngineParts parts, ConstantContactClient client, ListKnowledge? known, RunRecord run, ExportDefinition definition, RunBatches batches, ISpool spool, PreImageWriter writer, int most)
    {
        private readonly MappedField[] _fields = ContactMap.Create(definition.Map).Fields;
        private readonly ArrayBufferWriter<byte> _values = new();
        private readonly int _callsBefore = client.Calls;
        private uint[] _now = [];
        private readonly List<string> _addresses = [];
        /// <summary>Members of the list and contacts of the account; not asked where all that is sent is on the list.</summary>
        private long _members;
        private ContactCounts? _counts;

        private int Left => most - (client.Calls - _callsBefore);

        public async Task TakeAsync(CancellationToken ct)
        {
            if (_fields.Length > FieldValues.MostFields) throw Cannot($"the map has more than {FieldValues.MostFields} fields");
            int count = checked((int)ToSend(batches).Sum(b => (long)b.Rows));
            IReadOnlyList<CustomField> custom = known?.CustomFields ?? (_fields.Any(f => f.Name.StartsWith(StandardFields.CustomPrefix, StringComparison.Ordinal))
                ? await client.GetCustomFieldsAsync(ct).ConfigureAwait(false) : []);
            var names = new ContactFields(ContactMap.Create(definition.Map), custom);
            bool oneByOne = count <= FewContacts && names.ArePlain && Left >= count;
            // Onto an empty list of an empty account: nobody has to be held, to be found among what was there.
            bool nobody = !oneByOne && names.AreDistinct && known?.List.MembershipCount == 0 && (await CountsAsync(ct).ConfigureAwait(false)).Total == 0;
            using var contacts = new ContactTable(count, _fields.Length, counts: nobody);
            await ReadSentAsync(contacts, ct).ConfigureAwait(false);
            (long Length, int Pieces) mark = writer.Mark();
            if (oneByOne)
            {
                contacts.Arrange();
                await OneByOneAsync(contacts, names, ct).ConfigureAwait(false);
                return;
            }
            if (!names.AreDistinct) throw Cannot("two of its fields have one heading in the service's contact export");
            if (nobody || await NobodyAsync(contacts, ct).ConfigureAwait(false)) return;
            contacts.Arrange();
            if (known?.Copy is { IsWhole: true } copy && ListIsAll())
            {
                await copy.ReadAsync(batch => Keep(contacts, batch, allOn: true), ct).ConfigureAwait(false);
                return;
            }
            (string? listId, bool allOn) = await ScopeAsync(contacts, ct).ConfigureAwait(false);
            await ExportAsync(listId, allOn, contacts, names, mark, ct).ConfigureAwait(false);
        }

        private async Task ReadSentAsync(ContactTable contacts, CancellationToken ct)
        {
            _now = new uint[_fields.Length];
            bool anyNew = false;
            foreach (BatchRecord batch in ToSend(batches))
            {
                (byte[] body, int bodyLength) = await spool.ReadBodyAsync(batch.Number, ct).ConfigureAwait(false);
                (byte[] origins, int originLength) = ([], 0);
                try
                {
                    (origins, originLength) = await spool.ReadOriginBytesAsync(batch.Number, ct).ConfigureAwait(false);
                    anyNew |= Add(body.AsSpan(0, bodyLength), origins.AsSpan(0, originLength), contacts);
                }
                finally
                {
                    BatchMemory.Pool.Return(body);
                    if (origins.Length > 0) BatchMemory.Pool.Return(origins);
                }
            }
            if (contacts.Count != contacts.Capacity) throw Cannot("its batches do not hold what they are said to");
            // A run that goes on knows of the list what its contacts carry: whoever was proved not to be there proves that everybody was looked for.
            if (known is null && !anyNew) contacts.SetAllOn(null);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private bool Add(ReadOnlySpan<byte> body, ReadOnlySpan<byte> origins, ContactTable contacts)
        {
            bool keepAddresses = contacts.Capacity <= FewContacts;
            var row = new OriginReader(origins);
            var json = new Utf8JsonReader(body);
            byte[] text = new byte[4096];
            bool anyNew = false;
            while (json.Read() && json.TokenType != JsonTokenType.StartArray)
            {
            }
            while (contacts.Count < contacts.Capacity && json.Read() && json.TokenType == JsonTokenType.StartObject && row.Next())
            {
                int at = contacts.Add(row.Address, known is null ? (row.Content & 1) == 0 : known.WasOn(row.Content));
                ulong fields = 0;
                Span<uint> hashes = contacts.HashesOf(at);
                while (json.Read() && json.TokenType != JsonTokenType.EndObject)
                {
                    int field = FieldOf(ref json, out bool email);
                    json.Read();
                    if (email && keepAddresses) _addresses.Add(json.GetString()!);
                    if (field < 0) continue;
                    int length = json.TokenType == JsonTokenType.String ? json.CopyString(text) : Copy(json.ValueSpan, text);
                    hashes[field] = FieldValues.HashOf(_fields[field], text.AsSpan(0, length));
                    fields |= 1UL << field;
                }
                anyNew |= (row.Content & 1) != 0;
                var record = new SentRecord
                {
                    Address = row.Address,
                    Fields = fields,
                    Values = FieldValues.Together(fields, hashes),
                    Row = row.Row,
                    Segment = (ushort)row.Segment,
                    Key = row.Key,
                };
                record.Write(writer.Begin(PieceKind.Sent));
            }
            return anyNew;

            static int Copy(ReadOnlySpan<byte> from, byte[] to)
            {
                from.CopyTo(to);
                return from.Length;
            }
        }

        private int FieldOf(ref Utf8JsonReader json, out bool email)
        {
            email = json.ValueTextEquals(StandardFields.Email);
            if (email) return -1;
            for (int i = 0; i < _fields.Length; i++)
            {
                if (json.ValueTextEquals(_fields[i].Key.EncodedUtf8Bytes)) return i;
            }
            return -1;
        }

        private async Task OneByOneAsync(ContactTable contacts, ContactFields names, CancellationToken ct)
        {
            foreach (string address in _addresses)
            {
                if (await client.ReadContactValuesAsync(address, ct).ConfigureAwait(false) is not { } contact) continue;
                byte[] email = Encoding.UTF8.GetBytes(address);
                int at = contacts.Find(SentContact.HashOf(email, default, default, NameFields.None));
                if (at < 0) continue;
                Keep(contacts, at, email, contact.Seen.ListIds.Contains(run.ListId, StringComparer.OrdinalIgnoreCase), i => Encoding.UTF8.GetBytes(names.ValueOf(contact, i)));
            }
        }

        /// <summary>Of an empty account nothing has to be read.</summary>
        private async Task<bool> NobodyAsync(ContactTable contacts, CancellationToken ct)
        {
            if (!contacts.AnyOn(null) && !contacts.AnyOn(false)) return false;
            _members = known?.List.MembershipCount ?? (await client.GetListAsync(run.ListId, ct).ConfigureAwait(false))?.MembershipCount ?? long.MaxValue;
            // Where there is somebody, something has to be read: without calls for that none is spent on asking how much.
            if (_members > 0) Need(known?.Copy is { IsWhole: true } ? 1 : 1 + ExportCalls, true);
            return (await CountsAsync(ct).ConfigureAwait(false)).Total == 0 && _members == 0;
        }

        private async Task<ContactCounts> CountsAsync(CancellationToken ct) => _counts ??= await client.GetContactCountsAsync(ct).ConfigureAwait(false);

        /// <summary>Everybody whom the run changes is on the list. Whoever has unsubscribed is on none, and an import does not touch him.</summary>
        private bool ListIsAll() => _counts is not { } counts || (_members != long.MaxValue && counts.Total - counts.Unsubscribed <= _members);

        /// <summary>Whose values have to be read: the members of a list, or the account (null).</summary>
        private async Task<(string? ListId, bool AllOn)> ScopeAsync(ContactTable contacts, CancellationToken ct)
        {
            if (ListIsAll()) return Need(ExportCalls, (run.ListId, true));
            if (contacts.AnyOn(null)) await MembersAsync(_members, contacts, ct).ConfigureAwait(false);
            return Need(ExportCalls, ((string?)null, false));
        }

        private async Task MembersAsync(long members, ContactTable contacts, CancellationToken ct)
        {
            contacts.SetAllOn(false);
            if (members == 0) return;
            void On(UInt128 address)
            {
                if (contacts.Find(address) is >= 0 and var at) contacts.SetOn(at, true);
            }
            if (members <= FewMembers && Need((members <= FewMembers / 2 ? 1 : 2) + ExportCalls, true)
                && await client.ReadContactsAsync(new ContactQuery(ListId: run.ListId), FewMembers, c => On(ListLook.HashOf(c.Email)), ct).ConfigureAwait(false)) return;
            Need(2 * ExportCalls, true);
            await new ListReader(client, parts.Time, parts.Upload).ReadRowsAsync(run.ListId, ["email_address"], [], [], _ => contacts.SetAllOn(false), (batch, _) =>
            {
                for (int row = 0; row < batch.Rows; row++) On(SentContact.HashOf(batch[row, 0], default, default, NameFields.None));
                return default;
            }, ct, Left - ExportCalls - 2).ConfigureAwait(false);
        }

        private async Task ExportAsync(string? listId, bool allOn, ContactTable contacts, ContactFields names, (long Length, int Pieces) mark, CancellationToken ct)
            => await new ListReader(client, parts.Time, parts.Upload).ReadRowsAsync(listId, names.Asked, [], names.Headings, has =>
            {
                if (Array.IndexOf(has, false) is >= 0 and var missing) throw Cannot($"the service's contact export has no column for '{_fields[missing].Name}'");
                writer.Rewind(mark);
            }, (batch, _) =>
            {
                Keep(contacts, batch, allOn);
                return default;
            }, ct, Left - 2).ConfigureAwait(false);

        private void Keep(ContactTable contacts, ProfileBatch batch, bool allOn)
        {
            for (int row = 0; row < batch.Rows; row++)
            {
                int at = contacts.Find(SentContact.HashOf(batch[row, 0], default, default, NameFields.None));
                if (at >= 0) Keep(contacts, at, batch, row, allOn || contacts.IsOn(at) == true);
            }
        }

        private void Keep(ContactTable contacts, int at, ProfileBatch batch, int row, bool on)
        {
            for (int i = 0; i < _fields.Length; i++) _now[i] = FieldValues.HashOf(_fields[i], batch[row, i + 1]);
            ulong changed = Changed(contacts.HashesOf(at));
            if (!on && changed == 0) return;
            _values.ResetWrittenCount();
            for (int i = 0; i < _fields.Length; i++)
            {
                if ((changed & (1UL << i)) != 0) OldRecord.WriteValue(_values, i, Utf8Text.Trim(batch[row, i + 1]));
            }
            Write(at, changed == 0 ? default : Utf8Text.Trim(batch[row, 0]), on);
        }

        private void Keep(ContactTable contacts, int at, byte[] address, bool on, Func<int, byte[]> valueOf)
        {
            for (int i = 0; i < _fields.Length; i++) _now[i] = FieldValues.HashOf(_fields[i], valueOf(i));
            ulong changed = Changed(contacts.HashesOf(at));
            if (!on && changed == 0) return;
            _values.ResetWrittenCount();
            for (int i = 0; i < _fields.Length; i++)
            {
                if ((changed & (1UL << i)) != 0) OldRecord.WriteValue(_values, i, Utf8Text.Trim(valueOf(i)));
            }
            Write(at, changed == 0 ? default : address, on);
        }

        private void Write(int at, ReadOnlySpan<byte> address, bool on)
        {
            new OldRecord { At = at, OnList = on, Address = address, Values = _values.WrittenSpan }.Write(writer.Begin(PieceKind.Old));
        }

        /// <summary>The fields whose values the run changes; a birthday as a whole, since the service takes it so.</summary>
        private ulong Changed(ReadOnlySpan<uint> hashes)
        {
            ulong changed = 0, birthday = 0, sent = 0;
            for (int i = 0; i < _fields.Length; i++)
            {
                if (_fields[i].Kind is FieldKind.Month or FieldKind.Day) birthday |= 1UL << i;
                if (hashes[i] is not (> 0 and var then)) continue;
                sent |= 1UL << i;
                if (_now[i] != then) changed |= 1UL << i;
            }
            return (changed & birthday) != 0 ? changed | (birthday & sent) : changed;
        }

        private T Need<T>(int calls, T then) => Left >= calls ? then : throw Cannot("that would take more calls than a run may");

        private static CcException Cannot(string why) => new("UndoNotPossible", CcErrorKind.Service, char.ToUpperInvariant(why[0]) + why[1..] + ".");
    }
}
