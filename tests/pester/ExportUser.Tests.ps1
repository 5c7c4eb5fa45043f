# The identity that reads segments, as a person signs it in: against the simulated tenant, over https.
BeforeAll {
    . $PSScriptRoot/common.ps1
    Import-Module $Manifest
    $Simulator = Start-CcSimulator
    $null = $Simulator | New-CcConnection -AcceptDataPrivacy
}

AfterAll { Stop-CcSimulator }

Describe 'Add-CcExportUser' {
    It 'does nothing with -WhatIf' {
        $Simulator | Add-CcExportUser -ClientId $Simulator.EntraClientId -WhatIf
        Get-CcExportUser | Should -BeNullOrEmpty
    }

    It 'signs an application in with what the simulator pipes, and shows no secret' {
        $user = $Simulator | Add-CcExportUser -ClientId $Simulator.EntraClientId
        $user.Connection, $user.Kind, $user.Identity, $user.State | Should -Be 'Simulator', 'ClientSecret', $Simulator.EntraClientId, 'Ready'
        $user.Authority | Should -Be $Simulator.AuthorityUrl
        $text = (Get-CcExportUser sim* | Format-List * | Out-String) + (Get-CcExportUser | Out-String -Width 120)
        $text | Should -Match 'Connection\s+Kind\s+Identity\s+State\s+SignedInAt'
        $text | Should -Not -Match ([regex]::Escape((ConvertFrom-SecureString $Simulator.EntraClientSecret -AsPlainText)))
    }

    It 'signs a person in with a code on another device, and takes the place of the former' {
        # The person: enters the code that the host was told, at the page that it was told.
        $shell = [powershell]::Create()
        $null = $shell.AddScript({
                param($Manifest, $Name, $ClientId, $Authority)
                Import-Module $Manifest
                Add-CcExportUser -Connection $Name -ClientId $ClientId -Authority $Authority -DeviceCode
            }).AddParameters(@($Manifest, 'Simulator', $Simulator.EntraClientId, $Simulator.AuthorityUrl))
        $work = $shell.BeginInvoke()
        $until = (Get-Date).AddSeconds(30)
        while (-not ($said = "$($shell.Streams.Information)") -and -not $work.IsCompleted -and (Get-Date) -lt $until) { Start-Sleep -Milliseconds 50 }
        $said -match 'open (?<page>https://\S+) .* code (?<code>[A-Z-]+)' | Should -BeTrue -Because "the host said '$said'"
        $null = Invoke-WebRequest $Matches.page -Method Post -Body @{ user_code = $Matches.code; decision = 'allow' } -SkipCertificateCheck
        $user = $shell.EndInvoke($work)
        $shell.Streams.Error | Should -BeNullOrEmpty
        $user.Kind, $user.Identity | Should -Be 'DeviceCode', 'export@simulator.example'
        @(Get-CcExportUser).Count | Should -Be 1
        $shell.Dispose()
    }

    It 'says what is wrong, and what to do' {
        $null = $Simulator | Add-CcExportUser -ClientId '' -ErrorVariable failed -ErrorAction SilentlyContinue
        (Get-ErrorFace $failed[0]).Id | Should -Be 'ClientIdMissing'
        Add-CcExportUser Simulator -TenantId x -ClientId y -CertificatePath ./none.pfx -ErrorVariable failed -ErrorAction SilentlyContinue
        $face = Get-ErrorFace $failed[0]
        $face.Id, $face.Category | Should -Be 'CertificateNotFound', 'ObjectNotFound'
        $face.Remedy | Should -Not -BeNullOrEmpty
        Add-CcExportUser Nowhere -ManagedIdentity -ErrorVariable failed -ErrorAction SilentlyContinue
        (Get-ErrorFace $failed[0]).Id | Should -Be 'ConnectionNotFound'
    }
}

Describe 'Get- and Remove-CcExportUser' {
    It 'completes names of connections' {
        (TabExpansion2 'Get-CcExportUser -Connection Sim' 32).CompletionMatches.CompletionText | Should -Contain 'Simulator'
    }

    It 'removes the one of a connection, and says when there is none' {
        Get-CcExportUser | Remove-CcExportUser -WhatIf
        @(Get-CcExportUser).Count | Should -Be 1
        Get-CcExportUser | Remove-CcExportUser
        Get-CcExportUser | Should -BeNullOrEmpty
        foreach ($ask in { Get-CcExportUser Simulator @quiet }, { Remove-CcExportUser Simulator @quiet }) {
            $quiet = @{ ErrorVariable = 'failed'; ErrorAction = 'SilentlyContinue' }
            . $ask
            (Get-ErrorFace $failed[0]).Id | Should -Be 'ExportUserNotFound'
        }
    }

    It 'goes with its connection' {
        $null = $Simulator | Add-CcExportUser -ClientId $Simulator.EntraClientId
        Remove-CcConnection Simulator
        Get-CcExportUser | Should -BeNullOrEmpty
    }
}

Describe 'A segment that may not be read whole' {
    BeforeAll {
        $null = $Simulator | New-CcConnection -AcceptDataPrivacy
        $null = $Simulator | Add-CcExportUser -ClientId $Simulator.EntraClientId
        $null = New-CcSource Insights -CustomerInsights $Simulator.InstanceId -ApiEndpoint $Simulator.InsightsUrl -SubscriptionKey $Simulator.SubscriptionKey
        function Set-Refresh([bool]$On) { $null = Invoke-RestMethod "$($Simulator.Url)admin/insights" -Method Post -ContentType application/json -Body (@{ refreshing = $On } | ConvertTo-Json) }
        function Invoke-Mirror([string]$Without) {
            Get-CcProfile Insights -Segment VIP -First 50 -WarningVariable script:said -WarningAction SilentlyContinue | Where-Object CustomerId -NE $Without |
                Invoke-CcExport -Connection Simulator -ListId $Simulator.ListId -Map @{ email = 'EMail' } -Mode Mirror -WarningVariable script:doubted -WarningAction SilentlyContinue
        }
        $all = @(Get-CcProfile Insights -Segment VIP -First 50)
        $gone = @($all | Where-Object EMail -Like '*@*')[-1].CustomerId
    }

    AfterAll {
        Set-Refresh $false
        Remove-CcSource Insights -Confirm:$false
        Remove-CcConnection Simulator -Confirm:$false
    }

    It 'is said by Get-CcProfile, and takes nobody off in the pipeline' {
        (Invoke-Mirror).Status | Should -Be 'Completed'
        Set-Refresh $true
        $run = Invoke-Mirror $gone
        $run.Status, $run.Removed | Should -Be 'Completed', 0
        "$said" | Should -Match 'A refresh job was running before the profiles were read'
        "$doubted" | Should -Match 'What was piped may not have been read whole.*nobody is taken off the list'
        Set-Refresh $false
        $run = Invoke-Mirror $gone
        $run.Status, $run.Removed | Should -Be 'Completed', 1
        "$said$doubted" | Should -BeNullOrEmpty
    }

    It 'is also one whose reading fails, where a script goes on' {
        $mirror = @{ Connection = 'Simulator'; ListId = $Simulator.ListId; Map = @{ email = 'EMail' }; Mode = 'Mirror'; WarningVariable = 'doubted'; WarningAction = 'SilentlyContinue' }
        $more = @($all | Where-Object EMail -Like '*@*')[-2].CustomerId
        $run = 'VIP', 'Nowhere' | ForEach-Object { try { Get-CcProfile Insights -Segment $_ -First 50 } catch { $null = $_ } } | Where-Object CustomerId -NotIn $gone, $more | Invoke-CcExport @mirror
        $run.Status, $run.Removed | Should -Be 'Completed', 0
        "$doubted" | Should -Match 'may not have been read whole'
    }
}

Describe 'Completion' {
    It 'offers what was seen of a source, when nobody answers any more' {
        $null = $Simulator | New-CcConnection -AcceptDataPrivacy
        $null = $Simulator | Add-CcExportUser -ClientId $Simulator.EntraClientId
        $null = New-CcSource Unified -Dataverse $Simulator.DataverseUrl
        $columns = (Get-CcProfile Unified -Segment VIP -First 1).PSObject.Properties.Name
        Stop-CcSimulator
        (TabExpansion2 'Get-CcProfile -Source Unified -Segment V').CompletionMatches.CompletionText | Should -Be 'VIP', 'VIP_2'
        (TabExpansion2 'Get-CcProfile -Source Unified -Segment VIP -Property ').CompletionMatches.CompletionText | Should -Be $columns
        (TabExpansion2 'Set-CcExport -Source Unified -Map ').CompletionMatches[0].CompletionText | Should -Match "email = 'msdynci_emailaddress1'"
    }
}
