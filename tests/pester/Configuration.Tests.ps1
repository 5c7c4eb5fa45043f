BeforeAll {
    . $PSScriptRoot/common.ps1
    Import-Module $Manifest
    $Folder = New-TempFolder
    $Simulator = Start-CcSimulator
    $null = $Simulator | New-CcConnection -AcceptDataPrivacy
    $Csv = Join-Path $Folder 'customers.csv'
    Set-Content $Csv "CustomerId,EMail`n1,conf@example.com"
    Set-CcExport Customers -Connection Simulator -ListId $Simulator.ListId -Path $Csv -Map @{ email = 'EMail' } -Schedule 'Daily 06:00' -TimeZone Europe/Berlin
    Set-CcExport Prospects -Connection Simulator -ListId $Simulator.ListId -Path $Csv -Map @{ email = 'EMail' }
    $File = Join-Path $Folder 'ccexport.jsonc'
}

AfterAll {
    Stop-CcSimulator
    Remove-Item $Folder -Recurse -Force
}

Describe 'A configuration' {
    It 'is written to a file or to the pipeline, the same each time' {
        Export-CcConfiguration -Path $File
        Get-Content $File -Raw | Should -BeExactly (Export-CcConfiguration)
        Get-Content $File -Raw | Should -Match '"schedule": "Daily 06:00"'
        Get-Content $File -Raw | Should -Not -Match ([regex]::Escape(($Simulator.RefreshToken | ConvertFrom-SecureString -AsPlainText)))
        Import-CcConfiguration $File | Should -BeNullOrEmpty
    }

    It 'is not written with -WhatIf' {
        Export-CcConfiguration -Path "$File.other" -WhatIf
        Test-Path "$File.other" | Should -BeFalse
    }

    It 'says with -WhatIf each difference as a line, and changes nothing' {
        (Get-Content $File -Raw) -replace 'Daily 06:00', 'Daily 07:00' -replace '"mode": "Upsert"', '"mode": "Changed"' | Set-Content $File
        $lines = @(Invoke-Child "Import-Module '$Manifest'; Import-CcConfiguration '$File' -WhatIf")
        $lines | Should -Be @(
            "What if: Change export 'Customers': mode: Upsert -> Changed"
            "What if: Change export 'Customers': schedule: Daily 06:00 -> Daily 07:00"
            "What if: Change export 'Prospects': mode: Upsert -> Changed")
        (Get-CcExport Customers).Schedule | Should -Be 'Daily 06:00'
    }

    It 'is imported, once' {
        $changes = Import-CcConfiguration $File
        $changes.Name | Should -Be 'Customers', 'Prospects'
        ($changes | Format-Table | Out-String -Width 120) | Should -Match 'Change\s+Export\s+Prospects\s+mode: Upsert -> Changed'
        ($changes | Format-List | Out-String) | Should -Match 'Differences : mode'
        (Get-CcExport Customers).Schedule | Should -Be 'Daily 07:00'
        Get-Item $File | Import-CcConfiguration | Should -BeNullOrEmpty
    }

    It 'removes what is not in it only with -Prune' {
        Copy-CcExport Customers More
        Import-CcConfiguration $File | Should -BeNullOrEmpty
        (Import-CcConfiguration $File -Prune).Action | Should -Be 'Remove'
        (Get-CcExport).Name | Should -Be 'Customers', 'Prospects'
    }

    It 'makes no connection, and imports the rest' {
        (Get-Content $File -Raw) -replace '"Simulator"', '"Elsewhere"' -replace '"connection": "Elsewhere"', '"connection": "Simulator"' -replace 'Daily 07:00', 'Daily 08:00' | Set-Content $File
        (Import-CcConfiguration $File -ErrorVariable problems -ErrorAction SilentlyContinue).Name | Should -Be 'Customers'
        $problems[0].FullyQualifiedErrorId | Should -BeLike 'ConnectionNotFound,*'
        (Get-ErrorFace $problems[0]).Target | Should -Be 'Elsewhere'
    }

    It 'is refused when it cannot be read' {
        Set-Content $File '{ "version": 1, "exporst": {} }'
        { Import-CcConfiguration $File } | Should -Throw -ErrorId 'ConfigurationInvalid,*'
        { Import-CcConfiguration (Join-Path $Folder 'none') } | Should -Throw -ErrorId 'FileNotReadable,*'
    }
}
